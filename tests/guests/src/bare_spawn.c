// Starts what its arguments name, each with its output in a pipe, and tells how it ended.
#include "bare.h"

static char buffer[4096], output[4096];
static int32_t ends[2];
static struct ended ended;

RUN int run(void) {
    sys_arguments(buffer, sizeof buffer);
    uint32_t count = *(uint32_t *)buffer;
    char *path = buffer + 8 + length(buffer + 8) + 1;
    for (uint32_t i = 1; i < count; i++, path += length(path) + 1) {
        sys_pipe(ends, CLOEXEC);
        struct action actions[] = {{0, ends[1], 1}, {0, ends[1], 2}, {4, ends[1], 5}};
        static char argv[512];
        memcpy(argv, path, length(path) + 1);
        memcpy(argv + length(path) + 1, "x", 2);
        int32_t pid = sys_spawn(HERE, path, length(path), argv, length(path) + 3, S("V=1"), actions, 3);
        if (pid < 0) {
            tell(path, pid);
            continue;
        }
        sys_close(ends[1]);
        int32_t size;
        while ((size = sys_read(ends[0], output, sizeof output)) > 0) sys_write(1, output, (uint32_t)size);
        sys_close(ends[0]);
        tell("waited for it", sys_wait(pid, 0, &ended) == pid);
        tell("status", ended.status);
        tell("no more", sys_wait(pid, 0, &ended));
    }
    return 0;
}
