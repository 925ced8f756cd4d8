// Times open with O_TRUNC, write, close. Arguments: count, bytes.
#include "guest.h"

int main(int argc, char **argv) {
    long count = argc > 1 ? atol(argv[1]) : 1000, size = argc > 2 ? atol(argv[2]) : 4096;
    mkdir("/tmp", 0755);
    char *block = malloc(size);
    memset(block, 'w', size);
    int64_t start = now_ns();
    for (long i = 0; i < count; i++) {
        int fd = open("/tmp/bench.write", O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (fd < 0) return 2;
        for (long at = 0; at < size;) {
            ssize_t written = write(fd, block + at, size - at);
            if (written <= 0) return 1;
            at += written;
        }
        close(fd);
    }
    printf("open-write-close %ld bytes %lld ns/op\n", size, (long long)((now_ns() - start) / count));
    return 0;
}
