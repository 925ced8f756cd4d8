// Forks as often as it can, and each child as well; says how often when there is no more.
#include "bare.h"

static int32_t made;

static int go(void) {
    int32_t pid;
    while ((pid = FORK()) > 0) made++;
    if (made > 0) tell("refused", pid);
    for (;;) sys_pause();
}

RUN int run(void) { return go(); }

CHILD int posix_child(void) {
    made = 0;
    return go();
}
