// Looking through bytes, at every place in a block and at the very end of memory, beside a loop that does it byte by byte.
#include <stdint.h>
#include <string.h>

#include "check.h"

#define ROOM 80
#define AWAY 2000

static unsigned char *last;  // so many bytes, behind which there is no memory

static const unsigned char *forwards(const unsigned char *at, int byte, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (at[i] == (unsigned char)byte) return at + i;
    }
    return NULL;
}

static const unsigned char *backwards(const unsigned char *at, int byte, size_t size) {
    while (size--) {
        if (at[size] == (unsigned char)byte) return at + size;
    }
    return NULL;
}

static bool finds(const unsigned char *at, size_t size) {
    bool same = true;
    for (int byte = 'a'; byte < 'd'; byte++) {
        same = same && memchr(at, byte, size) == forwards(at, byte, size);
        same = same && memrchr(at, byte, size) == backwards(at, byte, size);
    }
    return same && memchr(at, 'a' + 256, size) == forwards(at, 'a', size);
}

static int sign(int number) { return (number > 0) - (number < 0); }

int main(void) {
    last = (unsigned char *)(__builtin_wasm_memory_grow(0, 1) * 65536 + 65536 - ROOM);
    bool found = true, measured = true, compared = true;
    for (size_t begin = 0; begin < ROOM; begin++) {
        for (size_t size = 0; begin + size <= ROOM; size++) {
            memset(last, 'a', ROOM);
            memset(last + begin, 'x', size);
            found = found && finds(last + begin, size);
            if (size == 0) continue;
            last[begin + size / 2] = 'b';
            last[begin + size / 3] = 'c';
            last[begin + size - 1] = (size & 1) ? 'a' : 'x';
            found = found && finds(last + begin, size);
            last[begin + size - 1] = 0;
            measured = measured && strlen((char *)last + begin) == size - 1;
            unsigned char copy[ROOM];
            memcpy(copy, last + begin, size);
            compared = compared && memcmp(copy, last + begin, size) == 0;
            copy[size / 2] = 0xf0;
            compared = compared && sign(memcmp(copy, last + begin, size)) == 1 && sign(memcmp(last + begin, copy, size)) == -1;
        }
    }
    check("found", found);
    last[ROOM / 2] = 'b';
    check("as if there were no end", memchr(last, 'b', SIZE_MAX) == forwards(last, 'b', ROOM));
    check("measured", measured);
    check("compared", compared);
    static char text[AWAY];
    memset(text, 'y', AWAY - 1);
    check("far away", strlen(text) == AWAY - 1 && memchr(text, 0, AWAY) == text + AWAY - 1 && memrchr(text, 'z', AWAY) == NULL);
    return done();
}
