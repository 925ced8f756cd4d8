// What stat says of a file, a directory and a symlink.
#include "guest.h"

static void describe(const char *path, int follow) {
    struct stat st;
    if ((follow ? stat : lstat)(path, &st) != 0) {
        printf("%s: %s\n", path, error_name(errno));
        return;
    }
    const char *type = S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "directory" : S_ISLNK(st.st_mode) ? "symlink" : "?";
    printf("%s: %s size %lld links %lld\n", path, type, (long long)st.st_size, (long long)st.st_nlink);
}

int main(int argc, char **argv) {
    enter(argc, argv);
    put("stat.txt", "12345");
    mkdir("stat.dir", 0755);
    symlink("stat.txt", "stat.link");
    link("stat.txt", "stat.hard");
    describe("stat.txt", 1);
    printf("directory: ");
    struct stat st, other;
    printf("%s\n", stat("stat.dir", &st) == 0 && S_ISDIR(st.st_mode) ? "ok" : "?");
    describe("stat.link", 1);
    describe("stat.link", 0);
    describe("stat.none", 1);
    stat("stat.txt", &st);
    stat("stat.hard", &other);
    printf("hard link is the same inode: %s\n", st.st_ino == other.st_ino && st.st_dev == other.st_dev ? "yes" : "no");
    stat("stat.dir", &other);
    printf("another is another: %s\n", st.st_ino != other.st_ino ? "yes" : "no");
    int fd = open("stat.txt", O_RDONLY);
    printf("fstat: %s\n", fstat(fd, &other) == 0 && other.st_ino == st.st_ino && other.st_size == 5 ? "same" : "differs");
    return 0;
}
