// Sets times, reads them back, and sees which operations change them.
#include "guest.h"

static struct stat look(const char *path) {
    struct stat st;
    if (lstat(path, &st) != 0) printf("lstat %s: %s\n", path, error_name(errno));
    return st;
}

static int later(struct timespec a, struct timespec b) {
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

int main(int argc, char **argv) {
    enter(argc, argv);
    put("times.txt", "x");
    struct timespec old[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
    report("utimensat", utimensat(AT_FDCWD, "times.txt", old, 0));
    struct stat st = look("times.txt");
    printf("accessed %lld.%09ld\n", (long long)st.st_atim.tv_sec, (long)st.st_atim.tv_nsec);
    printf("modified %lld.%09ld\n", (long long)st.st_mtim.tv_sec, (long)st.st_mtim.tv_nsec);
    printf("changed is now: %s\n", later(st.st_ctim, st.st_mtim) ? "yes" : "no");

    struct timespec half[2] = {{0, UTIME_OMIT}, {1200000000, 0}};
    report("only modified", utimensat(AT_FDCWD, "times.txt", half, 0));
    st = look("times.txt");
    printf("accessed %lld modified %lld\n", (long long)st.st_atim.tv_sec, (long long)st.st_mtim.tv_sec);

    int fd = open("times.txt", O_WRONLY | O_APPEND);
    if (write(fd, "y", 1) != 1) return 1;
    close(fd);
    printf("a write modifies: %s\n", look("times.txt").st_mtim.tv_sec > 1200000000 ? "yes" : "no");

    struct timespec set[2] = {{1300000000, 0}, {1300000000, 0}};
    fd = open("times.txt", O_RDWR);
    report("futimens", futimens(fd, set));
    close(fd);
    printf("modified %lld\n", (long long)look("times.txt").st_mtim.tv_sec);

    symlink("times.txt", "times.link");
    report("of the link", utimensat(AT_FDCWD, "times.link", old, AT_SYMLINK_NOFOLLOW));
    printf("link %lld file %lld\n", (long long)look("times.link").st_mtim.tv_sec, (long long)look("times.txt").st_mtim.tv_sec);

    mkdir("times.dir", 0755);
    utimensat(AT_FDCWD, "times.dir", old, 0);
    put("times.dir/new", "");
    printf("a new entry modifies the directory: %s\n", look("times.dir").st_mtim.tv_sec > 1200000000 ? "yes" : "no");
    return 0;
}
