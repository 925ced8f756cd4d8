// Traps: unreachable by default; "divide", "memory" or "call" for the other kinds.
#include "guest.h"

static void other(int unused) { (void)unused; }

int main(int argc, char **argv) {
    const char *kind = argc > 1 ? argv[1] : "unreachable";
    puts("about to trap");
    fflush(stdout);
    volatile int zero = 0;
    if (!strcmp(kind, "divide")) return argc / zero;
    if (!strcmp(kind, "memory")) return *(volatile int *)0xfffffff0;
    if (!strcmp(kind, "call")) {
        int (*volatile wrong)(void) = (int (*)(void))(void (*)(void))other;
        return wrong();
    }
    __builtin_trap();
}
