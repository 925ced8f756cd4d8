// Becomes /bin/bare_args, by way of the file that its first argument names.
#include "bare.h"

static char buffer[1024];

RUN int run(void) {
    sys_arguments(buffer, sizeof buffer);
    char *path = buffer + 8;
    path += length(path) + 1;
    tell("no such", sys_exec(HERE, T("/none"), S("x"), "", 0));
    tell("a directory", sys_exec(HERE, T("/bin"), S("x"), "", 0));
    tell("not executable", sys_exec(HERE, T("/plain"), S("x"), "", 0));
    tell("no program", sys_exec(HERE, T("/text"), S("x"), "", 0));
    tell("scripts of scripts", sys_exec(HERE, T("/loop"), S("x"), "", 0));
    tell("unended", sys_exec(HERE, path, length(path), "x", 1, "", 0));
    int32_t kept = sys_open(HERE, T("/text"), READ, 0);
    sys_dup(kept, 7, CLOEXEC);
    sys_change_directory(HERE, T("/tmp"));
    tell("exec", sys_exec(HERE, path, length(path), S("one\0two\0three"), S("A=1\0B=2")));
    return 1;
}
