// The devices of /dev. Lines of the program's own on stdout; what goes to /dev/stdout and /dev/fd/1 comes between them.
#include <dirent.h>

#include "guest.h"

static void line(const char *text) {
    printf("%s\n", text);
    fflush(stdout);
}

// Opens, writes five bytes, closes.
static void try_write(const char *path, int flags) {
    int fd = open(path, flags, 0644);
    if (fd < 0) {
        printf("%s %#x: open %s\n", path, (unsigned)(flags & ~O_ACCMODE), error_name(errno));
        return;
    }
    ssize_t size = write(fd, "text\n", 5);
    if (size < 0) printf("%s: write %s\n", path, error_name(errno));
    else printf("%s: wrote %zd\n", path, size);
    fflush(stdout);
    close(fd);
}

static void try_read(const char *path, size_t count) {
    char *data = malloc(count ? count : 1);
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        printf("%s: open %s\n", path, error_name(errno));
        return;
    }
    size_t have = 0, zeros = 0;
    ssize_t size = 0;
    while (have < count && (size = read(fd, data + have, count - have)) > 0) have += size;
    for (size_t i = 0; i < have; i++) zeros += !data[i];
    printf("%s: %s, %zu of %zu bytes, %s\n", path, size < 0 ? error_name(errno) : "ok", have, count,
           !have ? "none" : zeros == have ? "zeros" : zeros && zeros * 100 < have ? "random" : "text");
    close(fd);
    free(data);
}

int main(void) {
    struct stat status;
    const char *names[] = {"null", "zero", "full", "random", "urandom", "stdin", "stdout", "stderr", "tty", "fd/0", "fd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[40];
        snprintf(path, sizeof path, "/dev/%s", names[i]);
        if (stat(path, &status) < 0) printf("%s: %s\n", path, error_name(errno));
        else printf("%s: %s, size %lld, mode %s\n", path, S_ISCHR(status.st_mode) ? "device" : S_ISDIR(status.st_mode) ? "directory" : "?",
                    (long long)status.st_size, S_ISCHR(status.st_mode) && access(path, W_OK) == 0 ? "rw" : "-");
    }
    const char *listed[] = {"/dev", "/dev/fd"};
    for (int i = 0; i < 2; i++) {
        DIR *directory = opendir(listed[i]);
        printf("in %s:", listed[i]);
        for (struct dirent *entry; directory && (entry = readdir(directory));) {
            if (entry->d_name[0] != '.') printf(" %s%s", entry->d_name, entry->d_type == DT_CHR ? "" : "/");
        }
        printf("\n");
        if (directory) closedir(directory);
    }
    try_write("/dev/null", O_WRONLY);
    try_write("/dev/null", O_WRONLY | O_CREAT | O_TRUNC);
    try_write("/dev/null", O_WRONLY | O_APPEND);
    try_write("/dev/null", O_RDWR);
    try_write("/dev/null", O_WRONLY | O_CREAT | O_EXCL);
    try_write("/dev/zero", O_WRONLY | O_TRUNC);
    try_write("/dev/urandom", O_WRONLY);
    try_write("/dev/full", O_WRONLY);
    try_write("/dev/tty", O_RDWR);
    try_write("/dev/stdin", O_WRONLY);
    try_write("/dev/fd/7", O_WRONLY);
    try_read("/dev/null", 10);
    try_read("/dev/zero", 3000000);
    try_read("/dev/full", 10);
    try_read("/dev/urandom", 100000);
    try_read("/dev/random", 100000);
    try_read("/dev/stdout", 10);
    fflush(stdout);
    try_write("/dev/stdout", O_WRONLY);
    try_write("/dev/stdout", O_WRONLY | O_CREAT | O_TRUNC);
    try_write("/dev/fd/1", O_WRONLY | O_APPEND);
    try_write("/dev/stderr", O_WRONLY);
    try_read("/dev/stdin", 5);
    try_read("/dev/fd/0", 100);
    try_read("/dev/stdin", 100);
    int fd = open("/dev/null", O_RDWR);
    report("seek", lseek(fd, 100, SEEK_SET));
    report("cut off", ftruncate(fd, 0));
    report("fsync", fsync(fd));
    report("a terminal", isatty(fd) ? 0 : -1);
    report("unlink", unlink("/dev/null"));
    report("move away", rename("/dev/null", "/tmp/null"));
    report("move the directory", rename("/dev", "/tmp/dev"));
    report("remove the directory", rmdir("/dev"));
    put("/tmp/file", "x");
    report("move over", rename("/tmp/file", "/dev/null"));
    report("link", link("/dev/null", "/tmp/null"));
    report("chmod", chmod("/dev/null", 0600));
    report("make it again", mkdir("/dev", 0755));
    FILE *stream = fopen("/dev/null", "w");
    report("stdio", stream && fprintf(stream, "%0100000d", 1) == 100000 && !fclose(stream) ? 0 : -1);
    line("end");
    return 0;
}
