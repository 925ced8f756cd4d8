// Prints two random blocks in hexadecimal, of the given size.
#include "guest.h"

int main(int argc, char **argv) {
    int size = argc > 1 ? atoi(argv[1]) : 16;
    unsigned char *block = malloc(size ? size : 1);
    for (int round = 0; round < 2; round++) {
        for (int at = 0; at < size; at += 256) {
            if (getentropy(block + at, size - at < 256 ? size - at : 256) != 0) return 1;
        }
        for (int i = 0; i < size; i++) printf("%02x", block[i]);
        printf("\n");
    }
    return 0;
}
