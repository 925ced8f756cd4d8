// A pipe within one process: what waits, what does not, and how it ends. With an argument: ended by SIGPIPE.
#include "bare.h"

static char buffer[70000];
static int32_t ends[2];
static struct polled polled[2];

static void look(const char *what) {
    polled[0] = (struct polled){ends[0], IN, 0};
    polled[1] = (struct polled){ends[1], OUT, 0};
    tell(what, sys_poll(polled, 2, 0));
    tell("  reader", polled[0].back);
    tell("  writer", polled[1].back);
}

RUN int run(void) {
    uint32_t size = (uint32_t)sys_arguments(buffer, sizeof buffer);
    int broken = size && *(uint32_t *)buffer > 1;
    tell("pipe", sys_pipe(ends, NO_WAIT));
    look("empty");
    tell("nothing to read", sys_read(ends[0], buffer, 10));
    tell("write", sys_write(ends[1], T("abc")));
    tell("there", sys_control(ends[0], 4, 0));
    look("filled");
    tell("read", sys_read(ends[0], buffer, 10));
    tell("fill", sys_write(ends[1], buffer, sizeof buffer));
    look("full");
    tell("no room", sys_write(ends[1], T("x")));
    tell("read a bit", sys_read(ends[0], buffer, 100));
    tell("all or nothing", sys_write(ends[1], buffer, 4096));
    tell("as far as it goes", sys_write(ends[1], buffer, 4097));
    tell("seek", sys_seek(ends[0], 0, 0));
    tell("wrong way", sys_write(ends[0], T("x")));
    sys_close(ends[1]);
    while (sys_read(ends[0], buffer, sizeof buffer) > 0);
    tell("end", sys_read(ends[0], buffer, 1));
    polled[0] = (struct polled){ends[0], IN, 0};
    sys_poll(polled, 1, -1);
    tell("hung up", polled[0].back);
    sys_pipe(ends, 0);
    sys_close(ends[0]);
    if (!broken) {
        static struct record record;
        sys_start(&record);
        record.actions[SIGPIPE - 1] = 1;
        tell("broken", sys_write(ends[1], T("x")));
        sys_exit(7);
    }
    sys_write(ends[1], T("x"));
    say("not reached\n");
    return 0;
}
