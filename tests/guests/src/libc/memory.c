// malloc and its relations, in blocks that grow, shrink, are aligned and let go, with what they hold.
#include <malloc.h>
#include <stdint.h>

#include "check.h"

ssize_t getrandom(void *, size_t, unsigned); // in none of the headers: programs bring their own declaration

#define BLOCKS 2000

static unsigned state = 1;
static unsigned chance(unsigned below) {
    state = state * 1103515245 + 12345;
    return (state >> 8) % below;
}

static struct {
    unsigned char *at;
    size_t size;
} blocks[BLOCKS];

static bool holds(int i) {
    for (size_t k = 0; k < blocks[i].size; k++) {
        if (blocks[i].at[k] != (unsigned char)i) return false;
    }
    return true;
}

int main(void) {
    bool whole = true, aligned = true;
    for (int round = 0; round < 60000; round++) {
        int i = (int)chance(BLOCKS);
        size_t size = chance(10) == 0 ? chance(20000) : chance(300), before = blocks[i].size;
        whole = whole && holds(i);
        if (chance(3) == 0) {
            blocks[i].at = realloc(blocks[i].at, size + 1);
            before = before < size ? before : size;
            for (size_t k = 0; k < before; k++) whole = whole && blocks[i].at[k] == (unsigned char)i;
        } else {
            size_t alignment = (size_t)16 << chance(8);
            free(blocks[i].at);
            blocks[i].at = chance(4) ? malloc(size + 1) : aligned_alloc(alignment, size + 1);
        }
        aligned = aligned && (uintptr_t)blocks[i].at % 16 == 0;
        blocks[i].size = size;
        memset(blocks[i].at, i, size);
    }
    check("what they hold", whole);
    check("multiples of 16", aligned);
    uintptr_t high = (uintptr_t)sbrk(0);
    for (int i = 0; i < BLOCKS; i++) free(blocks[i].at);
    for (int i = 0; i < 1000; i++) {
        void *large = malloc(1000000);
        free(large);
    }
    check("what was let go is used again", (uintptr_t)sbrk(0) <= high + 1100000);
    char *page = aligned_alloc(65536, 10);
    check("aligned_alloc", (uintptr_t)page % 65536 == 0);
    void *result;
    check("posix_memalign", posix_memalign(&result, 3, 10) == EINVAL && posix_memalign(&result, 64, 10) == 0);
    int *zero = calloc(1000, sizeof *zero);
    bool all = true;
    for (int i = 0; i < 1000; i++) all = all && zero[i] == 0;
    check("calloc", all);
    volatile size_t much = SIZE_MAX / 2 + 2;
    void *volatile none = calloc(much, 2); // volatile, or the compiler takes it for granted that there is memory
    check("too much", none == NULL);
    none = malloc(SIZE_MAX - much / 4);
    check("nearly all", none == NULL);
    char *grown = malloc(10);
    for (size_t size = 10; size < 8000000; size *= 2) grown = realloc(grown, size);
    check("realloc", grown != NULL && malloc_usable_size(grown) >= 4000000);
    check("in one range", (uintptr_t)grown < (uintptr_t)sbrk(0));
    void *mine = sbrk(4096);
    memset(mine, 1, 4096);
    memset(malloc(100000), 2, 100000);
    check("beside one's own sbrk", ((char *)mine)[0] == 1 && ((char *)mine)[4095] == 1);
    char *chance = calloc(4, 1 << 20);
    ssize_t got = getrandom(chance, 4 << 20, 0);
    static const char zeros[32];
    check("getrandom fills what it says", got >= 256 && memcmp(chance + got - sizeof zeros, zeros, sizeof zeros) != 0);
    check("and no more", got == 4 << 20 || chance[got] == 0);
    return done();
}
