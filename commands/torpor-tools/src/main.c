/* One program with many names: which it is called by says what it does. */
#include "tools.h"

#include <libgen.h>
#include <stdarg.h>
#include <string.h>

const char *program;

static const struct { const char *name; int (*main)(int, char **); } TOOLS[] = {
    {"clear", main_clear}, {"free", main_free},   {"hostname", main_hostname}, {"pgrep", main_pgrep},
    {"pidof", main_pidof}, {"pkill", main_pgrep}, {"ps", main_ps},             {"reset", main_reset},
    {"rg", main_rg},     {"top", main_top},     {"uptime", main_uptime}, {"watch", main_watch},     {"which", main_which},
};

void complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "%s: ", program);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int main(int argc, char **argv) {
    program = argc ? basename(argv[0]) : "";
    for (size_t each = 0; each < sizeof TOOLS / sizeof *TOOLS; each++)
        if (!strcmp(program, TOOLS[each].name)) return TOOLS[each].main(argc, argv);
    complain("no tool of this name");
    return 127;
}
