// Times open, read to the end, close. Arguments: count, bytes.
#include "guest.h"

int main(int argc, char **argv) {
    long count = argc > 1 ? atol(argv[1]) : 1000, size = argc > 2 ? atol(argv[2]) : 4096;
    mkdir("/tmp", 0755);
    char *block = malloc(size), *path = "/tmp/bench.read";
    memset(block, 'r', size);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    for (long at = 0; at < size;) {
        ssize_t written = write(fd, block + at, size - at);
        if (written <= 0) return 1;
        at += written;
    }
    close(fd);
    int64_t start = now_ns();
    for (long i = 0; i < count; i++) {
        fd = open(path, O_RDONLY);
        if (fd < 0) return 2;
        long at = 0;
        for (ssize_t got; at < size && (got = read(fd, block + at, size - at)) > 0;) at += got;
        close(fd);
        if (at != size) return 3;
    }
    printf("open-read-close %ld bytes %lld ns/op\n", size, (long long)((now_ns() - start) / count));
    return 0;
}
