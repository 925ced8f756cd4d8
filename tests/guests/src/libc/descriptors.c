// Descriptors that are duplicated share their place, and children have them.
#include <sys/resource.h>
#include <sys/uio.h>

#include "check.h"

int main(void) {
    char path[] = "/tmp/descriptorsXXXXXX", text[16] = "";
    int fd = mkstemp(path);
    check("mkstemp", fd >= 0);
    int same = dup(fd);
    check("dup", same > fd);
    write(fd, "ab", 2);
    write(same, "cd", 2);
    check("one place", lseek(fd, 0, SEEK_CUR) == 4);
    check("dup2", dup2(fd, 20) == 20);
    check("onto itself", dup2(20, 20) == 20);
    check("of none", failed(dup2(99, 21), EBADF));
    check("F_DUPFD", fcntl(fd, F_DUPFD, 30) == 30);
    check("F_DUPFD_CLOEXEC", fcntl(fd, F_DUPFD_CLOEXEC, 30) == 31 && fcntl(31, F_GETFD) == FD_CLOEXEC);
    check("not the others", fcntl(30, F_GETFD) == 0);
    check("F_SETFD", fcntl(30, F_SETFD, FD_CLOEXEC) == 0 && fcntl(30, F_GETFD) == FD_CLOEXEC);
    check("F_GETFL", (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    check("F_SETFL", fcntl(fd, F_SETFL, O_APPEND) == 0 && fcntl(same, F_GETFL) & O_APPEND);
    fcntl(fd, F_SETFL, 0);
    pid_t pid = fork();
    if (pid == 0) {
        lseek(fd, 1, SEEK_SET);
        _exit(read(20, text, 1) == 1 && *text == 'b' ? 0 : 1);
    }
    check("a child has them", ended(pid) == 0);
    check("and moves their place", lseek(same, 0, SEEK_CUR) == 2);
    check("pread", pread(fd, text, 4, 0) == 4 && strcmp(text, "abcd") == 0 && lseek(fd, 0, SEEK_CUR) == 2);
    check("pwrite", pwrite(fd, "X", 1, 3) == 1 && pread(fd, text, 4, 0) == 4 && strcmp(text, "abcX") == 0);
    check("close", close(same) == 0 && failed(close(same), EBADF));
    check("record locks are refused", failed(fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK}), ENOLCK));
    check("posix_fallocate", posix_fallocate(fd, INT64_MAX, 1) == EFBIG && posix_fallocate(fd, 0, 0) == EINVAL);
    struct rlimit limit;
    check("no core files", setrlimit(RLIMIT_CORE, &(struct rlimit){0}) == 0 && failed(setrlimit(RLIMIT_CPU, &(struct rlimit){1, 1}), EPERM));
    check("RLIMIT_NOFILE", getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == (rlim_t)getdtablesize());
    check("the last", dup2(fd, getdtablesize() - 1) >= 0 && failed(dup2(fd, getdtablesize()), EBADF));
    struct iovec none = {0};
    check("preadv", failed(preadv(fd, &none, -1, 0), EINVAL) && failed(pwritev(fd, &none, -1, 0), EINVAL));
    unlink(path);
    return done();
}
