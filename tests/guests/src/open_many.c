// Opens the same file until no more descriptors are given; argument: how many to try.
#include "guest.h"

int main(int argc, char **argv) {
    long most = argc > 1 ? atol(argv[1]) : 100000, count = 0;
    mkdir("/tmp", 0755);
    put("/tmp/open.txt", "x");
    while (count < most && open("/tmp/open.txt", O_RDONLY) >= 0) count++;
    printf("%s\n", count < most ? error_name(errno) : "ok");
    fprintf(stderr, "%ld open\n", count);
    return 0;
}
