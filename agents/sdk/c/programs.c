/* exec and its relations, and how a program is found. */
#include "programs.h"

#include <fcntl.h>
#include <limits.h>
#include <paths.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "fork.h"
#include "paths.h"

char *posix_pack(char *const strings[], uint32_t *size) {
    size_t all = 0;
    for (size_t i = 0; strings && strings[i]; i++) all += strlen(strings[i]) + 1;
    char *packed = malloc(all + 1), *at = packed;
    if (packed == NULL || all > INT_MAX) {
        free(packed);
        posix_fail(packed ? E2BIG : ENOMEM);
        return NULL;
    }
    for (size_t i = 0; strings && strings[i]; i++) at = stpcpy(at, strings[i]) + 1;
    *size = (uint32_t)all;
    return packed;
}

LIBC int execve(const char *path, char *const argv[], char *const envp[]) {
    uint32_t argv_size, envp_size;
    char *arguments = posix_pack(argv, &argv_size), *environment = arguments ? posix_pack(envp, &envp_size) : NULL;
    int result = -1;
    if (environment) {
        int32_t error = sys_exec(HOST_CWD, HOST_PATH(path), arguments, argv_size, environment, envp_size);
        if (error == 0) {
            free(environment);
            free(arguments); /* the heap may be the parent's */
            posix_leave_child();
            return 0;
        }
        result = (int)posix_result(error);
    }
    int error = errno;
    free(environment);
    free(arguments);
    errno = error;
    return result;
}

/* A file that is no program is a script of the shell's. */
static int start_or_interpret(const char *path, char *const argv[], posix_start *start, void *with) {
    int result = start(with, path, argv);
    if (result >= 0 || errno != ENOEXEC) return result;
    size_t count = 0;
    while (argv[count]) count++;
    char **longer = malloc((count + 2) * sizeof *longer);
    if (longer == NULL) return -1;
    longer[0] = (char *)"sh";
    longer[1] = (char *)path;
    for (size_t i = 1; i <= count; i++) longer[i + 1] = argv[i];
    if (count == 0) longer[2] = NULL;
    result = start(with, _PATH_BSHELL, longer);
    int error = errno;
    free(longer);
    errno = error;
    return result;
}

int posix_search(const char *file, char *const argv[], posix_start *start, void *with) {
    if (*file == 0) return posix_fail(ENOENT);
    if (strchr(file, '/')) return start_or_interpret(file, argv, start, with);
    const char *rest = getenv("PATH");
    if (rest == NULL) rest = "/usr/local/bin:/usr/bin:/bin";
    int error = ENOENT;
    for (bool last = false; !last;) {
        char path[PATH_MAX];
        size_t length = strcspn(rest, ":"), name = strlen(file);
        last = rest[length] == 0;
        if (length + 1 + name < sizeof path) {
            char *end = path;
            if (length) end = (char *)mempcpy(end, rest, length), *end++ = '/'; /* an empty part is here */
            memcpy(end, file, name + 1);
            int result = start_or_interpret(path, argv, start, with);
            if (result >= 0) return result;
            if (errno == EACCES) error = EACCES;
            else if (errno != ENOENT && errno != ENOTDIR) return -1;
        }
        rest += length + 1;
    }
    return posix_fail(error);
}

static int become(void *environment, const char *path, char *const argv[]) { return execve(path, argv, environment); }

LIBC int execvpe(const char *file, char *const argv[], char *const envp[]) {
    return posix_search(file, argv, become, (void *)envp);
}
LIBC int execvp(const char *file, char *const argv[]) { return execvpe(file, argv, environ); }
LIBC int execv(const char *path, char *const argv[]) { return execve(path, argv, environ); }

/* The arguments of a call, up to the NULL; `after` then reads what follows it. */
#define LISTED(first, rest)                                                         \
    size_t count_ = 1;                                                              \
    va_list rest, counted_;                                                         \
    va_start(counted_, first);                                                      \
    while (va_arg(counted_, char *)) count_++;                                      \
    va_end(counted_);                                                               \
    char *argv[count_ + 1];                                                         \
    argv[0] = (char *)first;                                                        \
    va_start(rest, first);                                                          \
    for (size_t i = 1; i <= count_; i++) argv[i] = va_arg(rest, char *)

LIBC int execl(const char *path, const char *first, ...) {
    LISTED(first, rest);
    va_end(rest);
    return execv(path, argv);
}

LIBC int execlp(const char *file, const char *first, ...) {
    LISTED(first, rest);
    va_end(rest);
    return execvp(file, argv);
}

LIBC int execle(const char *path, const char *first, ...) {
    LISTED(first, rest);
    char *const *envp = va_arg(rest, char *const *);
    va_end(rest);
    return execve(path, argv, envp);
}
