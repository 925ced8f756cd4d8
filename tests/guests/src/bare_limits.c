// Goes to the limits of what a process may have and give.
#include "bare.h"

static char large[1100000];
static struct polled polled[1025];
static uint32_t vectors[2 * 1025];
static int32_t ends[2];

RUN int run(void) {
    int32_t fd, last = 0;
    while ((fd = sys_dup(1, 0, 0)) >= 0) last = fd;
    tell("last descriptor", last);
    tell("one more", fd);
    tell("a number beyond", sys_dup2(1, 1024, 0));
    for (fd = 3; fd <= last; fd++) sys_close(fd);
    int32_t pipes = 0;
    while ((fd = sys_pipe(ends, 0)) == 0) pipes++;
    tell("pipes", pipes);
    tell("one more", fd);
    for (fd = 3; fd < 1024; fd++) sys_close(fd);
    tell("polled", sys_poll(polled, 1025, 0));
    tell("vectors", sys_writev(1, vectors, 1025));
    tell("as many as there may be", sys_writev(1, vectors, 1024));
    vectors[1] = vectors[3] = 0x40000000;
    tell("bytes", sys_readv(0, vectors, 2));
    tell("path", sys_open(HERE, large, 4096, READ, 0));
    memset(large, 'a', sizeof large);
    large[sizeof large - 1] = 0;
    tell("arguments", sys_exec(HERE, T("/bin/bare_limits"), large, sizeof large, "", 0));
    tell("actions", sys_spawn(HERE, T("/bin/bare_limits"), "", 0, "", 0, large, 4097));
    tell("a wrong text", sys_open(HERE, T("\xff"), READ, 0));
    sys_read(1000, (void *)0xfffffff0, 100);
    tell("a wrong address", sys_write(1, (void *)0xfffffff0, 100));
    return 0;
}
