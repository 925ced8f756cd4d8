// Exits at once, and leaves a child that reads stdin to its end, and then says so.
#include "bare.h"

static char buffer[256];

RUN int run(void) {
    sys_exit(FORK() > 0 ? 4 : 1);
    return 0;
}

CHILD int posix_child(void) {
    int32_t size, total = 0;
    while ((size = sys_read(0, buffer, sizeof buffer)) > 0) total += size;
    tell("late", total);
    tell("nobody's", sys_id(1, 0));
    sys_exit(0);
    return 0;
}
