// Writes its arguments to stderr, a line each, and one line to stdout.
#include "guest.h"

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) fprintf(stderr, "%s\n", argv[i]);
    puts("to stdout");
    return 0;
}
