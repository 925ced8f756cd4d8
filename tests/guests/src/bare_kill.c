// Sends the signal of its second argument to the process of its first.
#include "bare.h"

static char buffer[4096];

static int32_t parsed(const char *digits) {
    int32_t value = 0;
    for (; *digits; digits++) value = 10 * value + *digits - '0';
    return value;
}

RUN int run(void) {
    sys_arguments(buffer, sizeof buffer);
    char *pid = buffer + 8 + length(buffer + 8) + 1;
    tell("kill", sys_kill(parsed(pid), (uint32_t)parsed(pid + length(pid) + 1)));
    return 0;
}
