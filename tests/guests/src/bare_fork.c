// Forks: what child and parent share, and what they do not.
#include "bare.h"

static int32_t ends[2], shared, value, child, parent;
static char buffer[64];
static struct ended ended;
static struct record record;

RUN int run(void) {
    sys_start(&record);
    sys_pipe(ends, 0);
    shared = sys_open(HERE, T("/shared"), READ | WRITE | CREATE | TRUNCATE, 0666);
    value = 1;
    parent = sys_id(0, 0);
    record.actions[SIGCHLD - 1] = 2;
    child = FORK();
    tell("forked", child > 0);
    sys_close(ends[1]);
    int32_t got = sys_wait(-1, 0, &ended);
    tell("waited for the child", got == child);
    tell("SIGCHLD has come", record.pending == 1 << (SIGCHLD - 1));
    record.pending = 0;
    tell("status", ended.status);
    tell("no other", sys_wait(-1, 0, &ended));
    tell("read", sys_read(ends[0], buffer, sizeof buffer));
    tell("end", sys_read(ends[0], buffer, sizeof buffer));
    tell("value", value);
    tell("offset", sys_seek(shared, 0, 1));
    sys_exit(3);
    return 0;
}

CHILD int posix_child(void) {
    value += 10;
    sys_write(shared, T("hello"));
    sys_write(ends[1], T("from the child"));
    if (sys_id(1, 0) != parent || sys_id(0, 0) == parent || value != 11) sys_exit(1);
    sys_exit(42);
    return 0;
}
