// Times stat. Arguments: count, path, and "wasi" for that part alone. "libc" is what a C program pays (the adapter makes two host
// calls of it), "wasi" is one stat-at.
#include "guest.h"
#include "wasi.h"

WASI("filesystem/preopens", "get-directories") void get_directories(void *list);
WASI("filesystem/types", "[method]descriptor.stat-at")
void stat_at(handle self, int32_t flags, const char *path, size_t size, void *result);

struct preopen {
    handle descriptor;
    const char *path;
    size_t size;
};

int main(int argc, char **argv) {
    long count = argc > 1 ? atol(argv[1]) : 10000;
    const char *path = argc > 2 ? argv[2] : "/tmp/bench.stat";
    mkdir("/tmp", 0755);
    close(open(path, O_WRONLY | O_CREAT, 0644));
    int64_t start = now_ns();
    if (argc <= 3) {
        struct stat st;
        for (long i = 0; i < count; i++) {
            if (stat(path, &st) != 0) return 1;
        }
        printf("stat libc %lld ns/op\n", (long long)((now_ns() - start) / count));
    }

    struct {
        struct preopen *first;
        size_t count;
    } preopens;
    get_directories(&preopens);
    handle root = preopens.first[0].descriptor;
    uint64_t result[16];
    start = now_ns();
    for (long i = 0; i < count; i++) {
        stat_at(root, 1, path + 1, strlen(path) - 1, result);
        if (*(uint8_t *)result) return 2;
    }
    printf("stat wasi %lld ns/op\n", (long long)((now_ns() - start) / count));
    return 0;
}
