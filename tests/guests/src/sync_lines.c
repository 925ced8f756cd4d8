// Writes each line of stdin over the start of a file (argument), syncs that, and only then says so: what was said is on the
// disk. The file is never empty in between.
#include "guest.h"

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        int fd = open(argv[1], O_WRONLY | O_CREAT, 0644);
        if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line)) return 1;
        if (argc > 2 ? fdatasync(fd) : fsync(fd)) return 1;
        close(fd);
        printf("synced %s\n", line);
        fflush(stdout);
    }
    return 0;
}
