// What stat says, modes, owners, times, links, access.
#include <sys/time.h>

#include "check.h"

int main(void) {
    char path[] = "/tmp/filesXXXXXX", target[16] = "", real[4096];
    struct stat found, other;
    check("mkdtemp", mkdtemp(path) != NULL && chdir(path) == 0);
    int fd = open("file", O_CREAT | O_RDWR | O_EXCL, 0640);
    check("open", fd >= 0 && write(fd, "12345", 5) == 5);
    check("fstat", fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_size == 5 && found.st_nlink == 1);
    check("mode", (found.st_mode & 07777) == 0640);
    check("owner", found.st_uid == 1000 && found.st_gid == 1000 && getuid() == 1000 && getegid() == 1000);
    check("stat is the same file", stat("file", &other) == 0 && other.st_ino == found.st_ino && other.st_dev == found.st_dev);
    check("exclusive", failed(open("file", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST));
    check("chmod", chmod("file", 0751) == 0 && stat("file", &found) == 0 && (found.st_mode & 07777) == 0751);
    check("fchmod", fchmod(fd, 0600) == 0 && stat("file", &found) == 0 && (found.st_mode & 07777) == 0600);
    check("chown to oneself", chown("file", 1000, 1000) == 0 && chown("file", (uid_t)-1, (gid_t)-1) == 0);
    check("chown to another", failed(chown("file", 0, 0), EPERM));
    check("chown of nothing", failed(chown("none", 1000, 1000), ENOENT));
    check("setuid", setuid(1000) == 0 && failed(setuid(0), EPERM));
    check("times", utimensat(AT_FDCWD, "file", (struct timespec[2]){{1, 2}, {3, 4}}, 0) == 0 && stat("file", &found) == 0 &&
                       found.st_atim.tv_sec == 1 && found.st_atim.tv_nsec == 2 && found.st_mtim.tv_sec == 3 && found.st_mtim.tv_nsec == 4);
    check("one of them", futimens(fd, (struct timespec[2]){{0, UTIME_OMIT}, {5, 0}}) == 0 && fstat(fd, &found) == 0 &&
                             found.st_atim.tv_sec == 1 && found.st_mtim.tv_sec == 5);
    check("no time", failed(futimens(fd, (struct timespec[2]){{0, UTIME_OMIT}, {5, 1000000000}}), EINVAL));
    check("a time past all counting", futimens(fd, (struct timespec[2]){{0, UTIME_OMIT}, {1LL << 40, 0}}) == 0 && fstat(fd, &found) == 0 &&
                                           found.st_mtim.tv_sec == INT64_MAX / 1000000000);
    check("symlink", symlink("file", "link") == 0 && readlink("link", target, sizeof target) == 4 && strcmp(target, "file") == 0);
    check("lstat", lstat("link", &found) == 0 && S_ISLNK(found.st_mode) && stat("link", &found) == 0 && S_ISREG(found.st_mode));
    check("realpath", realpath("link", real) && strncmp(real, path, strlen(path)) == 0 && strcmp(real + strlen(path), "/file") == 0);
    check("link", link("file", "second") == 0 && stat("second", &found) == 0 && found.st_nlink == 2);
    check("rename", rename("second", "third") == 0 && failed(stat("second", &found), ENOENT));
    check("access", access("file", R_OK | W_OK) == 0 && failed(access("file", X_OK), EACCES) && failed(access("none", F_OK), ENOENT));
    check("truncate", truncate("file", 2) == 0 && fstat(fd, &found) == 0 && found.st_size == 2);
    check("an empty path", failed(stat("", &found), ENOENT) && failed(open("", O_RDONLY), ENOENT));
    check("no FIFO", failed(mkfifo("fifo", 0600), EPERM));
    check("rmdir of a full one", chdir("/") == 0 && failed(rmdir(path), ENOTEMPTY));
    return done();
}
