/* What stdio lacks: locks that one thread needs not, streams by their flags, temporary files. */
#include "sys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* fopen's and freopen's; libc's own knows nothing of close on exec. */
LIBC int __fmodeflags(const char *mode) {
    int flags = strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;
    if (strchr(mode, 'x')) flags |= O_EXCL;
    if (strchr(mode, 'e')) flags |= O_CLOEXEC;
    if (*mode != 'r') flags |= O_CREAT;
    if (*mode == 'w') flags |= O_TRUNC;
    if (*mode == 'a') flags |= O_APPEND;
    return flags;
}

LIBC void flockfile(FILE *stream) { (void)stream; }
LIBC void funlockfile(FILE *stream) { (void)stream; }
LIBC int ftrylockfile(FILE *stream) {
    (void)stream;
    return 0;
}

/* The names a template can have are 36^6; a hundred that are taken are no chance. */
#define ATTEMPTS 100
#define MARKS 6

/* The template's part before `suffix` bytes at its end, filled in anew; NULL and errno if it has none. */
static char *marks_of(char *template, int suffix) {
    size_t length = strlen(template);
    char *marks = suffix < 0 || length < (size_t)suffix + MARKS ? NULL : template + length - (size_t)suffix - MARKS;
    if (marks && memcmp(marks, "XXXXXX", MARKS) == 0) return marks;
    posix_fail(EINVAL);
    return NULL;
}

static void fill(char *marks) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    unsigned char random[MARKS];
    sys_random(random, sizeof random);
    for (int i = 0; i < MARKS; i++) marks[i] = letters[random[i] % (sizeof letters - 1)];
}

LIBC int mkostemps(char *template, int suffix, int flags) {
    char *marks = marks_of(template, suffix);
    if (marks == NULL) return -1;
    for (int i = 0; i < ATTEMPTS; i++) {
        fill(marks);
        int fd = open(template, (flags & ~O_ACCMODE) | O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}
LIBC int mkstemps(char *template, int suffix) { return mkostemps(template, suffix, 0); }
LIBC int mkostemp(char *template, int flags) { return mkostemps(template, 0, flags); }
LIBC int mkstemp(char *template) { return mkostemps(template, 0, 0); }

LIBC char *mkdtemp(char *template) {
    char *marks = marks_of(template, 0);
    if (marks == NULL) return NULL;
    for (int i = 0; i < ATTEMPTS; i++) {
        fill(marks);
        if (mkdir(template, 0700) == 0) return template;
        if (errno != EEXIST) return NULL;
    }
    return NULL;
}

LIBC char *mktemp(char *template) {
    char *marks = marks_of(template, 0);
    struct stat unused;
    for (int i = 0; marks && i < ATTEMPTS; i++) {
        fill(marks);
        if (lstat(template, &unused) && errno == ENOENT) return template;
    }
    *template = 0;
    return template;
}

LIBC FILE *tmpfile(void) {
    char path[] = P_tmpdir "/tmpXXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) return NULL;
    unlink(path);
    FILE *stream = fdopen(fd, "w+");
    if (stream == NULL) close(fd);
    return stream;
}

LIBC char *tmpnam(char *to) {
    static char own[L_tmpnam];
    if (to == NULL) to = own;
    strcpy(to, P_tmpdir "/tXXXXXX");
    return *mktemp(to) ? to : NULL;
}

LIBC char *tempnam(const char *directory, const char *prefix) {
    char *path;
    if (asprintf(&path, "%s/%sXXXXXX", directory ? directory : P_tmpdir, prefix ? prefix : "") < 0) return NULL;
    if (*mktemp(path)) return path;
    free(path);
    return NULL;
}
