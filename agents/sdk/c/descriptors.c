/* Descriptors: opened, read, written, duplicated, waited for. */
#include "sys.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "paths.h"

/* A call's last argument, which is there if a file may be made. */
#define OPTIONAL_MODE(mode, flags)     \
    mode_t mode = 0;                   \
    if (flags & O_CREAT) {             \
        va_list rest_;                 \
        va_start(rest_, flags);        \
        mode = va_arg(rest_, mode_t);  \
        va_end(rest_);                 \
    }

LIBC int openat(int at, const char *path, int flags, ...) {
    OPTIONAL_MODE(mode, flags)
    return (int)POSIX_RESTARTED(sys_open(host_at(at), HOST_PATH(path), host_how(flags), mode));
}

LIBC int open(const char *path, int flags, ...) {
    OPTIONAL_MODE(mode, flags)
    return openat(AT_FDCWD, path, flags, mode);
}

LIBC int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* What libc's own fopen, freopen and truncate call. */
LIBC int __wasilibc_open_nomode(const char *path, int flags) { return open(path, flags, 0666); }
LIBC int __wasilibc_openat_nomode(int at, const char *path, int flags) { return openat(at, path, flags, 0666); }

LIBC int close(int fd) { return (int)posix_result(sys_close(fd)); }
LIBC int posix_close(int fd, int flags) { return flags ? posix_fail(EINVAL) : close(fd); }

/* A result is an s32: what is more is for the next call. */
static uint32_t amount(size_t size) { return size > INT_MAX ? INT_MAX : (uint32_t)size; }

LIBC ssize_t read(int fd, void *to, size_t size) { return (ssize_t)POSIX_RESTARTED(sys_read(fd, to, amount(size))); }
LIBC ssize_t write(int fd, const void *at, size_t size) {
    return (ssize_t)POSIX_RESTARTED(sys_write(fd, at, amount(size)));
}

LIBC ssize_t readv(int fd, const struct iovec *parts, int count) {
    if (count < 0 || count > IOV_MAX) return posix_fail(EINVAL);
    return (ssize_t)POSIX_RESTARTED(sys_readv(fd, parts, (uint32_t)count));
}

LIBC ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (count < 0 || count > IOV_MAX) return posix_fail(EINVAL);
    return (ssize_t)POSIX_RESTARTED(sys_writev(fd, parts, (uint32_t)count));
}

LIBC ssize_t pread(int fd, void *to, size_t size, off_t offset) {
    return (ssize_t)POSIX_RESTARTED(sys_pread(fd, to, amount(size), offset));
}

LIBC ssize_t pwrite(int fd, const void *at, size_t size, off_t offset) {
    return (ssize_t)POSIX_RESTARTED(sys_pwrite(fd, at, amount(size), offset));
}

LIBC ssize_t preadv(int fd, const struct iovec *parts, int count, off_t offset) {
    if (count < 0 || count > IOV_MAX) return posix_fail(EINVAL);
    ssize_t done = 0;
    for (int i = 0; i < count; i++) {
        ssize_t got = pread(fd, parts[i].iov_base, parts[i].iov_len, offset + done);
        if (got < 0) return done ? done : -1;
        done += got;
        if ((size_t)got < parts[i].iov_len) break;
    }
    return done;
}

LIBC ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    if (count < 0 || count > IOV_MAX) return posix_fail(EINVAL);
    ssize_t done = 0;
    for (int i = 0; i < count; i++) {
        ssize_t put = pwrite(fd, parts[i].iov_base, parts[i].iov_len, offset + done);
        if (put < 0) return done ? done : -1;
        done += put;
        if ((size_t)put < parts[i].iov_len) break;
    }
    return done;
}

LIBC off_t __lseek(int fd, off_t offset, int whence) {
    uint32_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? 1 : 2;
    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) return posix_fail(EINVAL);
    return posix_result(sys_seek(fd, offset, from));
}
#undef lseek
LIBC off_t lseek(int fd, off_t offset, int whence) { return __lseek(fd, offset, whence); }
LIBC off_t __wasilibc_tell(int fd) { return __lseek(fd, 0, SEEK_CUR); }

LIBC int ftruncate(int fd, off_t size) { return (int)posix_result(sys_truncate(fd, size)); }
LIBC int truncate(const char *path, off_t size) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    int done = ftruncate(fd, size), error = errno;
    close(fd);
    errno = error;
    return done;
}

LIBC int posix_fallocate(int fd, off_t offset, off_t size) {
    if (offset < 0 || size <= 0) return EINVAL;
    if (size > INT64_MAX - offset) return EFBIG;
    int before = errno;
    off_t here = __lseek(fd, 0, SEEK_CUR), end = here < 0 ? -1 : __lseek(fd, 0, SEEK_END);
    int done = end < 0 || __lseek(fd, here, SEEK_SET) < 0 ? -1 : end >= offset + size ? 0 : ftruncate(fd, offset + size);
    int error = done ? errno : 0;
    errno = before;
    return error;
}

/* Advice is there to be taken or not. */
LIBC int posix_fadvise(int fd, off_t offset, off_t size, int advice) {
    (void)fd, (void)offset, (void)size, (void)advice;
    return 0;
}

LIBC int fsync(int fd) { return (int)posix_result(sys_sync(fd)); }
LIBC int fdatasync(int fd) { return fsync(fd); }
LIBC int syncfs(int fd) { return fsync(fd); }
/* Asks for no more than that writing begins; the host does that by itself. */
LIBC void sync(void) {}

LIBC int dup(int fd) { return (int)posix_result(sys_dup(fd, 0, 0)); }
LIBC int dup2(int fd, int to) { return (int)posix_result(sys_dup2(fd, to, 0)); }
LIBC int dup3(int fd, int to, int flags) {
    if (fd == to || flags & ~O_CLOEXEC) return posix_fail(EINVAL);
    return (int)posix_result(sys_dup2(fd, to, flags ? HOW_CLOEXEC : 0));
}
/* freopen's */
LIBC int __wasilibc_fd_renumber(int from, int to) { return dup2(from, to) < 0 ? -1 : close(from); }

LIBC int pipe2(int ends[2], int flags) {
    if (flags & ~(O_CLOEXEC | O_NONBLOCK)) return posix_fail(EINVAL);
    return (int)posix_result(sys_pipe(ends, host_how(flags) & (HOW_CLOEXEC | HOW_NONBLOCK)));
}
LIBC int pipe(int ends[2]) { return pipe2(ends, 0); }

static int file_flags(int fd) {
    int how = (int)posix_result(sys_control(fd, GET_FILE_FLAGS, 0));
    if (how < 0) return -1;
    return (how & HOW_READ ? O_RDONLY : 0) | (how & HOW_WRITE ? O_WRONLY : 0) | (how & HOW_APPEND ? O_APPEND : 0) |
           (how & HOW_NONBLOCK ? O_NONBLOCK : 0);
}

LIBC int fcntl(int fd, int what, ...) {
    va_list rest;
    va_start(rest, what);
    int value = va_arg(rest, int);
    va_end(rest);
    switch (what) {
        case F_DUPFD:
        case F_DUPFD_CLOEXEC:
            return (int)posix_result(sys_dup(fd, value, what == F_DUPFD ? 0 : HOW_CLOEXEC));
        case F_GETFD:
            return (int)posix_result(sys_control(fd, GET_FD_FLAGS, 0));
        case F_SETFD:
            return (int)posix_result(sys_control(fd, SET_FD_FLAGS, value & FD_CLOEXEC));
        case F_GETFL:
            return file_flags(fd);
        case F_SETFL:
            return (int)posix_result(sys_control(fd, SET_FILE_FLAGS, host_how(value) & (HOW_APPEND | HOW_NONBLOCK)));
        case F_GETLK:
        case F_SETLK:
        case F_SETLKW:
            return posix_fail(ENOLCK); /* files can be locked as a whole only: flock */
        default:
            return posix_fail(EINVAL);
    }
}

LIBC int flock(int fd, int what) { return (int)POSIX_RESTARTED(sys_lock(fd, (uint32_t)what)); }
LIBC int lockf(int fd, int what, off_t size) {
    (void)fd, (void)what, (void)size;
    return posix_fail(ENOLCK);
}
