// Takes memory, 1 MiB at a time, until there is no more (or the argument's MiB are there); prints how much it got.
#include "guest.h"

// Where the blocks are is told to nobody, so that the compiler cannot do without them.
static char *volatile last;

int main(int argc, char **argv) {
    long most = argc > 1 ? atol(argv[1]) : 1 << 20, got = 0;
    for (; got < most && (last = malloc(1 << 20)); got++) memset(last, 1, 1 << 20);
    printf("%ld MiB, %s\n", got, got < most ? "no more" : "enough");
    return 0;
}
