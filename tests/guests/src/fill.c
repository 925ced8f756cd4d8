// Writes a file until the filesystem is full, then makes files until there are no more; prints what stopped it.
// Arguments: directory, greatest number of MiB, greatest number of files.
#include "guest.h"

int main(int argc, char **argv) {
    enter(argc, argv);
    long mib = argc > 2 ? atol(argv[2]) : 64, files = argc > 3 ? atol(argv[3]) : 1000;
    static char block[1 << 16];
    memset(block, 'f', sizeof block);
    int fd = open("fill.big", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    long long total = 0;
    ssize_t size = 0;
    while (total < mib << 20 && (size = write(fd, block, sizeof block)) > 0) total += size;
    printf("bytes: %s\n", size < 0 ? error_name(errno) : "ok");
    fprintf(stderr, "%lld bytes\n", total);
    close(fd);
    report("unlink", unlink("fill.big"));
    char name[32];
    long made = 0;
    for (; made < files; made++) {
        snprintf(name, sizeof name, "fill.%ld", made);
        if ((fd = open(name, O_WRONLY | O_CREAT, 0644)) < 0) break;
        close(fd);
    }
    printf("files: %s\n", made < files ? error_name(errno) : "ok");
    fprintf(stderr, "%ld files\n", made);
    return 0;
}
