// Exits with the code of its first argument: through exit(), or by returning from main when a second one is given.
#include "guest.h"

int main(int argc, char **argv) {
    int code = argc > 1 ? atoi(argv[1]) : 0;
    printf("leaving with %d\n", code);
    if (argc > 2) return code;
    exit(code);
}
