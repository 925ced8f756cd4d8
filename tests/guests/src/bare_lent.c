// Sets a timer, and has a child that goes on in its place, says its number and waits.
#include "bare.h"

HOST("enter-child") int32_t sys_enter_child(void);

static struct record record;

RUN int run(void) {
    sys_start(&record);
    sys_alarm(1000000000000000, 0);
    tell("child", sys_enter_child());
    sys_pause();
    return 0;
}
