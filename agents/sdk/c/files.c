/* Files by their names: what they are, making and removing them, their modes and times, the working directory. */
#include "sys.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "paths.h"

/* What stdio and programs take as a good size of a read: a host call costs as much as copying some KiB. */
#define BLOCK_SIZE 65536

static struct timespec time_of(int64_t nanoseconds) {
    int64_t seconds = nanoseconds / NANOSECONDS, rest = nanoseconds % NANOSECONDS;
    return (struct timespec){.tv_sec = rest < 0 ? seconds - 1 : seconds, .tv_nsec = (long)(rest < 0 ? rest + NANOSECONDS : rest)};
}

static int stat_at(int at, const char *path, uint32_t how, struct stat *to) {
    struct {
        uint64_t device, inode;
        uint32_t mode, links;
        int64_t size, atime, mtime, ctime;
        uint64_t blocks;
    } got;
    _Static_assert(sizeof got == 64, "the host's record");
    if (posix_result(sys_stat(host_at(at), HOST_PATH(path), how, &got)) < 0) return -1;
    *to = (struct stat){
        .st_dev = got.device,
        .st_ino = got.inode,
        .st_mode = got.mode,
        .st_nlink = got.links,
        .st_uid = OWN_ID,
        .st_gid = OWN_ID,
        .st_size = got.size,
        .st_blksize = BLOCK_SIZE,
        .st_blocks = (blkcnt_t)got.blocks,
        .st_atim = time_of(got.atime),
        .st_mtim = time_of(got.mtime),
        .st_ctim = time_of(got.ctime),
    };
    return 0;
}

/* An empty path is the descriptor itself to the host, and a mistake to POSIX. */
static bool empty(const char *path) {
    if (*path) return false;
    errno = ENOENT;
    return true;
}

LIBC int fstat(int fd, struct stat *to) { return fd < 0 ? posix_fail(EBADF) : stat_at(fd, "", 0, to); }
LIBC int fstatat(int at, const char *restrict path, struct stat *restrict to, int flags) {
    if (*path == 0 && flags & AT_EMPTY_PATH) return fstat(at, to);
    return empty(path) ? -1 : stat_at(at, path, host_follow(flags), to);
}
LIBC int stat(const char *restrict path, struct stat *restrict to) { return fstatat(AT_FDCWD, path, to, 0); }
LIBC int lstat(const char *restrict path, struct stat *restrict to) {
    return fstatat(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW);
}

/* Effective and real ids are one here. */
LIBC int faccessat(int at, const char *path, int mode, int flags) {
    (void)flags;
    return empty(path) ? -1 : (int)posix_result(sys_access(host_at(at), HOST_PATH(path), (uint32_t)mode));
}
LIBC int access(const char *path, int mode) { return faccessat(AT_FDCWD, path, mode, 0); }
LIBC int eaccess(const char *path, int mode) { return access(path, mode); }
LIBC int euidaccess(const char *path, int mode) { return access(path, mode); }

LIBC int mkdirat(int at, const char *path, mode_t mode) {
    return (int)posix_result(sys_make_directory(host_at(at), HOST_PATH(path), mode));
}
LIBC int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

LIBC int unlinkat(int at, const char *path, int flags) {
    return (int)posix_result(sys_remove(host_at(at), HOST_PATH(path), flags & AT_REMOVEDIR ? HOW_DIRECTORY : 0));
}
LIBC int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
LIBC int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
LIBC int remove(const char *path) {
    int done = unlink(path);
    return done && errno == EISDIR ? rmdir(path) : done;
}

LIBC int renameat(int at, const char *path, int to_at, const char *to) {
    return (int)posix_result(sys_rename(host_at(at), HOST_PATH(path), host_at(to_at), HOST_PATH(to)));
}
LIBC int rename(const char *path, const char *to) { return renameat(AT_FDCWD, path, AT_FDCWD, to); }
LIBC int renameat2(int at, const char *path, int to_at, const char *to, unsigned flags) {
    return flags ? posix_fail(EINVAL) : renameat(at, path, to_at, to);
}

LIBC int linkat(int at, const char *path, int to_at, const char *to, int flags) {
    uint32_t how = flags & AT_SYMLINK_FOLLOW ? 0 : HOW_NOFOLLOW;
    return (int)posix_result(sys_link(host_at(at), HOST_PATH(path), host_at(to_at), HOST_PATH(to), how));
}
LIBC int link(const char *path, const char *to) { return linkat(AT_FDCWD, path, AT_FDCWD, to, 0); }

LIBC int symlinkat(const char *target, int at, const char *path) {
    return (int)posix_result(sys_make_symlink(HOST_PATH(target), host_at(at), HOST_PATH(path)));
}
LIBC int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

LIBC ssize_t readlinkat(int at, const char *restrict path, char *restrict to, size_t size) {
    uint32_t room = size > INT_MAX ? INT_MAX : (uint32_t)size;
    int64_t length = posix_result(sys_read_link(host_at(at), HOST_PATH(path), to, room));
    return (ssize_t)(length > room ? room : length);
}
LIBC ssize_t readlink(const char *restrict path, char *restrict to, size_t size) {
    return readlinkat(AT_FDCWD, path, to, size);
}

LIBC int fchmodat(int at, const char *path, mode_t mode, int flags) {
    return empty(path) ? -1 : (int)posix_result(sys_change_mode(host_at(at), HOST_PATH(path), host_follow(flags), mode));
}
LIBC int chmod(const char *path, mode_t mode) { return fchmodat(AT_FDCWD, path, mode, 0); }
LIBC int lchmod(const char *path, mode_t mode) { return fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW); }
LIBC int fchmod(int fd, mode_t mode) {
    return fd < 0 ? posix_fail(EBADF) : (int)posix_result(sys_change_mode(fd, "", 0, 0, mode));
}
LIBC mode_t umask(mode_t mask) { return (mode_t)posix_result(sys_umask(mask)); }

LIBC int mknodat(int at, const char *path, mode_t mode, dev_t device) {
    (void)device;
    if (!S_ISREG(mode) && (mode & S_IFMT) != 0) return posix_fail(EPERM);
    int fd = openat(at, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode & 07777);
    return fd < 0 ? -1 : close(fd);
}
LIBC int mknod(const char *path, mode_t mode, dev_t device) { return mknodat(AT_FDCWD, path, mode, device); }
LIBC int mkfifoat(int at, const char *path, mode_t mode) { return mknodat(at, path, (mode & 07777) | S_IFIFO, 0); }
LIBC int mkfifo(const char *path, mode_t mode) { return mkfifoat(AT_FDCWD, path, mode); }

#define TIME_NOW (-1)
#define TIME_AS_IT_IS (-2)

static bool is_time(const struct timespec *time) {
    return time->tv_nsec == UTIME_NOW || time->tv_nsec == UTIME_OMIT || (time->tv_nsec >= 0 && time->tv_nsec < NANOSECONDS);
}

/* Times that the host cannot keep become the nearest that it can, as Linux does it: those before 1970, where -1 and -2 mean
   something else, and those after 2262. */
static int64_t nanoseconds_of(const struct timespec *time) {
    if (time->tv_nsec == UTIME_NOW) return TIME_NOW;
    if (time->tv_nsec == UTIME_OMIT) return TIME_AS_IT_IS;
    if (time->tv_sec < 0) return 0;
    return time->tv_sec >= INT64_MAX / NANOSECONDS ? INT64_MAX : time->tv_sec * NANOSECONDS + time->tv_nsec;
}

static int set_times(int at, const char *path, uint32_t how, const struct timespec times[2]) {
    if (times && (!is_time(&times[0]) || !is_time(&times[1]))) return posix_fail(EINVAL);
    int64_t atime = times ? nanoseconds_of(&times[0]) : TIME_NOW, mtime = times ? nanoseconds_of(&times[1]) : TIME_NOW;
    return (int)posix_result(sys_set_times(host_at(at), HOST_PATH(path), how, atime, mtime));
}

LIBC int futimens(int fd, const struct timespec times[2]) { return fd < 0 ? posix_fail(EBADF) : set_times(fd, "", 0, times); }
LIBC int utimensat(int at, const char *path, const struct timespec times[2], int flags) {
    if (path == NULL) return futimens(at, times);
    return empty(path) ? -1 : set_times(at, path, host_follow(flags), times);
}

static int set_microseconds(int at, const char *path, const struct timeval times[2], int flags) {
    if (times == NULL) return utimensat(at, path, NULL, flags);
    struct timespec both[2] = {{times[0].tv_sec, times[0].tv_usec * 1000}, {times[1].tv_sec, times[1].tv_usec * 1000}};
    return utimensat(at, path, both, flags);
}
LIBC int utimes(const char *path, const struct timeval times[2]) { return set_microseconds(AT_FDCWD, path, times, 0); }
LIBC int lutimes(const char *path, const struct timeval times[2]) {
    return set_microseconds(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}
LIBC int futimes(int fd, const struct timeval times[2]) { return set_microseconds(fd, NULL, times, 0); }
LIBC int futimesat(int at, const char *path, const struct timeval times[2]) { return set_microseconds(at, path, times, 0); }
LIBC int utime(const char *path, const struct utimbuf *times) {
    if (times == NULL) return utimensat(AT_FDCWD, path, NULL, 0);
    return utimensat(AT_FDCWD, path, (struct timespec[2]){{.tv_sec = times->actime}, {.tv_sec = times->modtime}}, 0);
}

/* What the VM's own files may take, and take, is told in /proc: bytes, then their number. Of what the host makes, and of its
   directories, nothing is told. */
#define BLOCK 4096
static int space_on(dev_t device, struct statvfs *to) {
    struct stat root;
    char text[128], *at = text;
    *to = (struct statvfs){.f_bsize = BLOCK, .f_frsize = BLOCK, .f_namemax = NAME_MAX, .f_fsid = (unsigned long)device};
    if (stat("/", &root) || root.st_dev != device) return 0;
    int fd = open("/proc/fs/torpor/space", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (size < 0) return posix_fail(ENOSYS);
    text[size] = 0;
    uint64_t most[2], used[2];
    for (int i = 0; i < 2; i++) {
        most[i] = strtoull(at, &at, 10);
        used[i] = strtoull(at, &at, 10);
    }
    to->f_blocks = most[0] / BLOCK;
    to->f_bfree = to->f_bavail = most[0] > used[0] ? (most[0] - used[0]) / BLOCK : 0;
    to->f_files = most[1];
    to->f_ffree = to->f_favail = most[1] > used[1] ? most[1] - used[1] : 0;
    return 0;
}
LIBC int statvfs(const char *restrict path, struct statvfs *restrict to) {
    struct stat found;
    return stat(path, &found) ? -1 : space_on(found.st_dev, to);
}
LIBC int fstatvfs(int fd, struct statvfs *to) {
    struct stat found;
    return fstat(fd, &found) ? -1 : space_on(found.st_dev, to);
}

LIBC int chdir(const char *path) {
    return empty(path) ? -1 : (int)posix_result(sys_change_directory(HOST_CWD, HOST_PATH(path)));
}
LIBC int fchdir(int fd) { return fd < 0 ? posix_fail(EBADF) : (int)posix_result(sys_change_directory(fd, "", 0)); }

LIBC char *getcwd(char *to, size_t size) {
    char own[PATH_MAX];
    int64_t length = posix_result(sys_working_directory(own, sizeof own - 1));
    if (length < 0) return NULL;
    if (length >= (int64_t)sizeof own || (to && (size_t)length >= size)) {
        posix_fail(to && size == 0 ? EINVAL : ERANGE);
        return NULL;
    }
    own[length] = 0;
    return to ? memcpy(to, own, (size_t)length + 1) : strdup(own);
}
LIBC char *get_current_dir_name(void) { return getcwd(NULL, 0); }

LIBC char *realpath(const char *restrict path, char *restrict to) {
    char own[PATH_MAX];
    if (path == NULL) {
        posix_fail(EINVAL);
        return NULL;
    }
    if (empty(path)) return NULL;
    int64_t length = posix_result(sys_real_path(HOST_CWD, HOST_PATH(path), own, sizeof own - 1));
    if (length < 0) return NULL;
    if (length >= (int64_t)sizeof own) {
        posix_fail(ENAMETOOLONG);
        return NULL;
    }
    own[length] = 0;
    return to ? memcpy(to, own, (size_t)length + 1) : strdup(own);
}
LIBC char *canonicalize_file_name(const char *path) { return realpath(path, NULL); }
