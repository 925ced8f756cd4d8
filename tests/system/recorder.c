// Preloaded into a daemon: notes in $RECORD_LOG, in their order, what it does to files below $RECORD_ROOT, so that a test can
// tell what a disk would hold at any moment of the run (tests/system/disk.py). The calls themselves go through.
//
// A record is a line of ASCII, `KIND INODE OFFSET LENGTH PATH`, and LENGTH bytes after it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_descriptor = -1;
static const char *root;

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
    root = getenv("RECORD_ROOT");
    const char *log = getenv("RECORD_LOG");
    if (root && log) {
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
        log_descriptor = real(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    }
    unsetenv("LD_PRELOAD"); // what it starts is not recorded
}

static int is_ours(const char *path) {
    return log_descriptor >= 0 && !strncmp(path, root, strlen(root));
}

static void note(char kind, unsigned long inode, long offset, const char *path, const void *data, size_t length) {
    char head[PATH_MAX + 100];
    int size = snprintf(head, sizeof head, "%c %lu %ld %zu %s\n", kind, inode, offset, length, path);
    struct iovec parts[] = {{head, size}, {(void *)data, length}};
    if (writev(log_descriptor, parts, 2) != (ssize_t)(size + length)) abort();
}

// The path of a descriptor below the root, and its inode; 0 for any other.
static unsigned long inode_of(int descriptor, char *path) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    struct stat found;
    if (length <= 0) return 0;
    path[length] = 0;
    if (!is_ours(path) || fstat(descriptor, &found)) return 0;
    return found.st_ino;
}

static void absolute(int directory, const char *path, char *result) {
    char link[40];
    ssize_t length = 0;
    if (*path != '/') {
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        length = readlink(directory == AT_FDCWD ? "/proc/self/cwd" : link, result, PATH_MAX / 2);
        if (length < 0) length = 0;
        result[length++] = '/';
    }
    snprintf(result + length, PATH_MAX - length, "%s", path);
}

static int record_open(int directory, const char *path, int flags, mode_t mode) {
    static int (*real)(int, const char *, int, ...);
    if (!real) real = dlsym(RTLD_NEXT, "openat64");
    char name[PATH_MAX];
    absolute(directory, path, name);
    if (!is_ours(name) || !(flags & (O_CREAT | O_TRUNC | __O_TMPFILE))) return real(directory, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat found;
    int existed = !lstat(name, &found);
    int descriptor = real(directory, path, flags, mode), error = errno;
    if (descriptor >= 0 && !fstat(descriptor, &found)) {
        if ((flags & O_TMPFILE) == O_TMPFILE)
            note('N', found.st_ino, 0, name, NULL, 0);
        else if (!existed)
            note('C', found.st_ino, 0, name, NULL, 0);
        else if (flags & O_TRUNC)
            note('T', found.st_ino, 0, name, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return descriptor;
}

#define OPEN_MODE va_list list; va_start(list, flags); mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0; va_end(list)
int open(const char *path, int flags, ...) { OPEN_MODE; return record_open(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPEN_MODE; return record_open(AT_FDCWD, path, flags, mode); }
int openat(int directory, const char *path, int flags, ...) { OPEN_MODE; return record_open(directory, path, flags, mode); }
int openat64(int directory, const char *path, int flags, ...) { OPEN_MODE; return record_open(directory, path, flags, mode); }

static ssize_t record_write(int descriptor, const void *data, size_t length, off_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off_t), (*real_write)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64"), real_write = dlsym(RTLD_NEXT, "write");
    char path[PATH_MAX];
    unsigned long inode = descriptor == log_descriptor ? 0 : inode_of(descriptor, path);
    if (!inode) return offset < 0 ? real_write(descriptor, data, length) : real(descriptor, data, length, offset);
    pthread_mutex_lock(&lock);
    off_t at = offset;
    if (offset < 0) at = lseek(descriptor, 0, fcntl(descriptor, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    ssize_t written = offset < 0 ? real_write(descriptor, data, length) : real(descriptor, data, length, offset);
    int error = errno;
    if (written > 0) note('W', inode, at, path, data, written);
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

ssize_t write(int descriptor, const void *data, size_t length) { return record_write(descriptor, data, length, -1); }
ssize_t pwrite(int descriptor, const void *data, size_t length, off_t at) { return record_write(descriptor, data, length, at); }
ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t at) { return record_write(descriptor, data, length, at); }

static int record_truncate(int descriptor, off_t size) {
    static int (*real)(int, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "ftruncate64");
    char path[PATH_MAX];
    unsigned long inode = inode_of(descriptor, path);
    pthread_mutex_lock(&lock);
    int result = real(descriptor, size), error = errno;
    if (!result && inode) note('T', inode, size, path, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int ftruncate(int descriptor, off_t size) { return record_truncate(descriptor, size); }
int ftruncate64(int descriptor, off64_t size) { return record_truncate(descriptor, size); }

// What was written before the first of the two records is on the disk from the second one on.
static int record_sync(int descriptor, int (*real)(int)) {
    char path[PATH_MAX];
    unsigned long inode = inode_of(descriptor, path);
    static long number;
    long own = __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED);
    if (inode) note('B', inode, own, path, NULL, 0);
    int result = real(descriptor), error = errno;
    if (inode && !result) note('E', inode, own, path, NULL, 0);
    errno = error;
    return result;
}

int fsync(int descriptor) { REAL(fsync); return record_sync(descriptor, real); }
int fdatasync(int descriptor) { REAL(fdatasync); return record_sync(descriptor, real); }

// Names. A record's bytes are the second path, where there are two.
static int named(char kind, int result, int from, const char *path, int to, const char *second) {
    int error = errno;
    char first[PATH_MAX], other[PATH_MAX] = "";
    absolute(from, path, first);
    if (second) absolute(to, second, other);
    struct stat found = {0};
    if (!result && kind == 'M') lstat(first, &found);
    if (!result && kind == 'L') lstat(other, &found);
    if (!result && (is_ours(first) || is_ours(other))) note(kind, found.st_ino, 0, first, other, strlen(other));
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

#define NAMED(kind, call, from, path, to, second) pthread_mutex_lock(&lock); return named(kind, call, from, path, to, second)
int mkdir(const char *path, mode_t mode) { REAL(mkdir); NAMED('M', real(path, mode), AT_FDCWD, path, 0, NULL); }
int unlink(const char *path) { REAL(unlink); NAMED('U', real(path), AT_FDCWD, path, 0, NULL); }
int rmdir(const char *path) { REAL(rmdir); NAMED('U', real(path), AT_FDCWD, path, 0, NULL); }
int unlinkat(int at, const char *path, int flags) { REAL(unlinkat); NAMED('U', real(at, path, flags), at, path, 0, NULL); }
int rename(const char *path, const char *to) { REAL(rename); NAMED('R', real(path, to), AT_FDCWD, path, AT_FDCWD, to); }
int renameat(int at, const char *path, int there, const char *to) { REAL(renameat); NAMED('R', real(at, path, there, to), at, path, there, to); }
int link(const char *path, const char *to) { REAL(link); NAMED('L', real(path, to), AT_FDCWD, path, AT_FDCWD, to); }
int linkat(int at, const char *path, int there, const char *to, int flags) { REAL(linkat); NAMED('L', real(at, path, there, to, flags), at, path, there, to); }
