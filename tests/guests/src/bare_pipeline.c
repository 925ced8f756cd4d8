// A pipeline that never ends: two children, of which one reads what the other does not write. Says so on stdout and stderr in turn.
#include "bare.h"

static int32_t ends[2];

RUN int run(void) {
    sys_pipe(ends, 0);
    if (FORK() <= 0 || FORK() <= 0) sys_exit(1);
    sys_close(ends[0]);
    sys_close(ends[1]);
    sys_write(1, T("out 1\n"));
    sys_write(2, T("err 1\n"));
    sys_write(1, T("out 2\n"));
    sys_write(2, T("err 2\n"));
    struct ended ended;
    while (sys_wait(-1, 0, &ended) > 0) {}
    sys_exit(2);
    return 0;
}

CHILD int posix_child(void) {
    char byte;
    sys_read(ends[0], &byte, 1);
    sys_exit(3);
    return 0;
}
