// What the POSIX test programs share: each step prints `what: ok`, or what errno says. A program that got to its end says `done`.
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// Not by stdio: what a child inherits in a buffer would come out twice.
static inline void check(const char *what, bool right) {
    dprintf(1, "%s: %s\n", what, right ? "ok" : errno ? strerror(errno) : "WRONG");
    errno = 0;
}

static inline bool failed(long result, int with) { return result == -1 && errno == with; }

// The status of a child, and how it went with waiting.
static inline int ended(pid_t pid) {
    int status = -1;
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static inline int done(void) {
    dprintf(1, "done\n");
    return 0;
}

#endif
