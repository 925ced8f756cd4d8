/* What programs look through much text with, sixteen bytes at a time; zig's libc has it byte by byte. Linked before all archives,
   since whatever comes from one of these brings that libc's own with it.
   Blocks that are aligned may be read as a whole: a memory ends at a multiple of their size. */
#include "sys.h"

#include <wasm_simd128.h>

#define SIMD __attribute__((target("simd128")))
#define BLOCK 16

/* Bit n: byte n of the block is `byte`. */
SIMD static inline unsigned marks(uintptr_t block, v128_t byte) {
    return (unsigned)wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load((const void *)block), byte));
}

SIMD LIBC size_t strlen(const char *text) {
    uintptr_t start = (uintptr_t)text, block = start & -BLOCK;
    unsigned found = marks(block, wasm_i8x16_splat(0)) >> (start - block);
    if (found) return (size_t)__builtin_ctz(found);
    do block += BLOCK;
    while (wasm_i8x16_all_true(wasm_v128_load((const void *)block)));
    return block + (size_t)__builtin_ctz(marks(block, wasm_i8x16_splat(0))) - start;
}

SIMD LIBC void *memchr(const void *bytes, int byte, size_t size) {
    if (size == 0) return NULL;
    uintptr_t start = (uintptr_t)bytes, last = start + size - 1, block = start & -BLOCK;
    if (last < start) last = UINTPTR_MAX; /* as far as there is memory: rawmemchr, by another name */
    v128_t wanted = wasm_i8x16_splat((signed char)byte);
    unsigned found = marks(block, wanted) >> (start - block) << (start - block);
    while (!found) {
        if (last - block < BLOCK) return NULL;
        found = marks(block += BLOCK, wanted);
    }
    uintptr_t at = block + (uintptr_t)__builtin_ctz(found);
    return at > last ? NULL : (void *)at;
}

SIMD LIBC void *memrchr(const void *bytes, int byte, size_t size) {
    if (size == 0) return NULL;
    uintptr_t start = (uintptr_t)bytes, last = start + size - 1, block = last & -BLOCK;
    v128_t wanted = wasm_i8x16_splat((signed char)byte);
    unsigned found = marks(block, wanted) & ((2u << (last - block)) - 1);
    while (!found) {
        if (block <= start) return NULL;
        found = marks(block -= BLOCK, wanted);
    }
    uintptr_t at = block + 31 - (uintptr_t)__builtin_clz(found);
    return at < start ? NULL : (void *)at;
}

SIMD LIBC int memcmp(const void *one, const void *other, size_t size) {
    const unsigned char *a = one, *b = other;
    for (; size >= BLOCK; a += BLOCK, b += BLOCK, size -= BLOCK) {
        unsigned same = (unsigned)wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(a), wasm_v128_load(b)));
        if (same != 0xFFFF) {
            int at = __builtin_ctz(~same);
            return a[at] - b[at];
        }
    }
    for (; size; a++, b++, size--) {
        if (*a != *b) return *a - *b;
    }
    return 0;
}
