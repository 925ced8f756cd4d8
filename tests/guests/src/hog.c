// Takes memory, 1 MiB at a time, until there is no more (or the argument's MiB are there); prints how much it got.
#include "guest.h"

int main(int argc, char **argv) {
    long most = argc > 1 ? atol(argv[1]) : 1 << 20, got = 0;
    for (char *block; got < most && (block = malloc(1 << 20)); got++) memset(block, 1, 1 << 20);
    printf("%ld MiB, %s\n", got, got < most ? "no more" : "enough");
    return 0;
}
