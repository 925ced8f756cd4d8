// Its arguments and environment, where it is, what it was given, a line of stdin; then it exits with the number of its arguments.
#include "bare.h"

static char buffer[8192];

RUN int run(void) {
    int32_t size = sys_arguments(buffer, sizeof buffer);
    if (sys_arguments(buffer, (uint32_t)size - 1) != size) sys_exit(99);
    uint32_t counts[2] = {((uint32_t *)buffer)[0], ((uint32_t *)buffer)[1]};
    char *text = buffer + 8;
    for (uint32_t i = 0; i < counts[0] + counts[1]; i++, text += length(text) + 1) {
        say(i < counts[0] ? "argument " : "variable ");
        say(text);
        say("\n");
    }
    buffer[sys_working_directory(buffer, sizeof buffer - 1)] = 0;
    say("in ");
    say(buffer);
    say("\nopen");
    for (int32_t fd = 0; fd < 20; fd++)
        if (sys_control(fd, 0, 0) >= 0) say(" "), number(fd);
    say("\nread ");
    size = sys_read(0, buffer, sizeof buffer - 1);
    sys_write(1, buffer, size > 0 ? (uint32_t)size : 0);
    say("\n");
    sys_exit(counts[0]);
    return 0;
}
