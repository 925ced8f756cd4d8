// Computes for ever.
#include "guest.h"

int main(void) {
    puts("spinning");
    fflush(stdout);
    for (volatile unsigned turns = 0;; turns++);
}
