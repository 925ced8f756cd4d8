// Recurses as deep as the argument says, for ever without one.
#include "guest.h"

static unsigned deeper(unsigned level, unsigned most) {
    volatile unsigned here = level;
    if (level == most) return 0;
    return deeper(level + 1, most) + (here != level) + 1;
}

int main(int argc, char **argv) {
    unsigned most = argc > 1 ? (unsigned)atol(argv[1]) : 0xffffffff;
    printf("depth %u\n", deeper(0, most));
    return 0;
}
