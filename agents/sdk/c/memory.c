/*
 * malloc over sbrk, inside one range: all of a process's memory is [lowest of the stack, break), which is what fork copies.
 * (libc's own allocator takes memory by memory.grow wherever that is.)
 *
 * Blocks lie side by side, each with its size before it, and join with free neighbours. Free blocks are in lists by size: one a
 * multiple of 16 for small ones, four a power of two above. The last block up to the break, the top, is in no list.
 */
#include "sys.h"

#include <stdlib.h>
#include <unistd.h>

#include "fork.h"

#define PAGE 65536u
#define UNIT 16u
/* A block's size is a multiple of 16, so its low bits are free for these. */
#define USED 1u
#define BEFORE_USED 2u
#define FLAGS (USED | BEFORE_USED)
/* size and one free block's two links */
#define LEAST 32u
/* sbrk's argument is signed; the bound keeps that and sums from overflowing. */
#define MOST 0x7fff0000u
#define SMALL_LISTS 32u
#define LISTS 128u
/* How much the break rises at least: a host sees few changes of size, and a small program stays small. */
#define STEP 16384u

struct block {
    uint32_t before; /* the size of the block below, if that is free */
    uint32_t size;   /* with the flags */
    struct block *next, *previous;
};
#define HEAD offsetof(struct block, next)

extern unsigned char __heap_base;
/* All that is not in the heap itself: see posix_keep_heap. */
static struct {
    uintptr_t end; /* the break */
    struct block *lists[LISTS];
    uint32_t filled[LISTS / 32];
    struct block *top;   /* free, up to the break less a head */
    uintptr_t top_break; /* the break that it reaches to; another one now: the program itself has called sbrk */
} heap;

void posix_keep_heap(char *copy, const char *from) { memcpy(copy + ((char *)&heap - from), &heap, sizeof heap); }

LIBC void *sbrk(intptr_t more) {
    if (heap.end == 0) heap.end = ((uintptr_t)&__heap_base + UNIT - 1) & ~(uintptr_t)(UNIT - 1);
    uintptr_t old = heap.end, now = old + (uintptr_t)more;
    if (more < 0 ? now < (uintptr_t)&__heap_base || now > old : now < old) {
        posix_fail(ENOMEM);
        return (void *)-1;
    }
    uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) * PAGE;
    if (now > have && __builtin_wasm_memory_grow(0, (size_t)((now - have + PAGE - 1) / PAGE)) == (size_t)-1) {
        posix_fail(ENOMEM);
        return (void *)-1;
    }
    heap.end = now;
    return (void *)old;
}

static uint32_t size_of(const struct block *block) { return block->size & ~FLAGS; }
static struct block *after(struct block *block) { return (struct block *)((char *)block + size_of(block)); }
static void *contents(struct block *block) { return (char *)block + HEAD; }
static struct block *block_of(void *at) { return (struct block *)((char *)at - HEAD); }

static uint32_t list_of(uint32_t size) {
    uint32_t units = size / UNIT;
    if (units < SMALL_LISTS) return units;
    uint32_t log = 31 - (uint32_t)__builtin_clz(units);
    return SMALL_LISTS + (log - 5) * 4 + ((units >> (log - 2)) & 3);
}

static void put(struct block *block) {
    uint32_t list = list_of(size_of(block));
    block->previous = NULL;
    block->next = heap.lists[list];
    if (block->next) block->next->previous = block;
    heap.lists[list] = block;
    heap.filled[list / 32] |= 1u << (list % 32);
}

static void take(struct block *block) {
    uint32_t list = list_of(size_of(block));
    if (block->next) block->next->previous = block->previous;
    if (block->previous) {
        block->previous->next = block->next;
    } else {
        heap.lists[list] = block->next;
        if (block->next == NULL) heap.filled[list / 32] &= ~(1u << (list % 32));
    }
}

/* The block that can hold these bytes, out of its list, or none. */
static struct block *find(uint32_t size) {
    uint32_t list = list_of(size);
    for (struct block *block = heap.lists[list]; block; block = block->next) {
        if (size_of(block) >= size) {
            take(block);
            return block;
        }
    }
    for (uint32_t word = ++list / 32; word < LISTS / 32; word++) {
        uint32_t bits = heap.filled[word] & (word == list / 32 ? ~0u << (list % 32) : ~0u);
        if (bits) {
            struct block *block = heap.lists[word * 32 + (uint32_t)__builtin_ctz(bits)];
            take(block);
            return block;
        }
    }
    return NULL;
}

/* Makes the top, or a new one beyond what the program has taken by sbrk itself, as large as this. */
static bool raise_top(uint32_t size) {
    if (heap.top && heap.top_break != heap.end) {
        heap.top->size |= USED;
        heap.top = NULL;
    }
    if (heap.top == NULL) {
        uintptr_t start = (uintptr_t)sbrk(0);
        uint32_t gap = (uint32_t)((UNIT - HEAD - start % UNIT) % UNIT); /* contents are to be at multiples of 16 */
        if (sbrk((intptr_t)(gap + LEAST)) == (void *)-1) return false;
        heap.top = (struct block *)(start + gap);
        heap.top->size = BEFORE_USED;
        heap.top_break = heap.end;
    }
    uintptr_t end = (uintptr_t)heap.top + size + UNIT; /* a head for the next top */
    if (end > heap.end) {
        uintptr_t wanted = end - heap.end;
        if (sbrk((intptr_t)((wanted + STEP - 1) / STEP * STEP)) == (void *)-1 && sbrk((intptr_t)wanted) == (void *)-1) return false;
    }
    heap.top_break = heap.end;
    heap.top->size = (uint32_t)((heap.end - (uintptr_t)heap.top) / UNIT * UNIT - UNIT) | (heap.top->size & BEFORE_USED);
    return size_of(heap.top) >= size;
}

static void release(struct block *block) {
    uint32_t size = size_of(block);
    if (!(block->size & BEFORE_USED)) {
        struct block *below = (struct block *)((char *)block - block->before);
        take(below);
        size += size_of(below);
        below->size = size | (below->size & BEFORE_USED);
        block = below;
    }
    struct block *above = (struct block *)((char *)block + size);
    if (above == heap.top) {
        block->size = (size + size_of(heap.top)) | (block->size & BEFORE_USED);
        heap.top = block;
        return;
    }
    if (!(above->size & USED)) {
        take(above);
        size += size_of(above);
    }
    block->size = size | (block->size & BEFORE_USED);
    above = after(block);
    above->before = size;
    above->size &= ~BEFORE_USED;
    put(block);
}

/* Gives what a used block has beyond this size back. */
static void cut(struct block *block, uint32_t size) {
    uint32_t rest = size_of(block) - size;
    if (rest < LEAST) return;
    block->size = size | (block->size & FLAGS);
    struct block *cut_off = after(block);
    cut_off->size = rest | USED | BEFORE_USED;
    release(cut_off);
}

/* The size of a block for so many bytes, 0 if there can be none. */
static uint32_t block_size(size_t bytes) {
    if (bytes > MOST) return 0;
    uint32_t size = ((uint32_t)bytes + HEAD + UNIT - 1) / UNIT * UNIT;
    return size < LEAST ? LEAST : size;
}

static void take_from_top(uint32_t size) {
    struct block *block = heap.top;
    uint32_t rest = size_of(heap.top) - size;
    block->size = size | USED | (block->size & BEFORE_USED);
    heap.top = after(block);
    heap.top->size = rest | BEFORE_USED;
}

LIBC void *malloc(size_t bytes) {
    uint32_t size = block_size(bytes);
    struct block *block = size ? find(size) : NULL;
    if (block) {
        block->size |= USED;
        after(block)->size |= BEFORE_USED;
        cut(block, size);
        return contents(block);
    }
    if (size == 0 || ((heap.top == NULL || size_of(heap.top) < size) && !raise_top(size))) {
        posix_fail(ENOMEM);
        return NULL;
    }
    block = heap.top;
    take_from_top(size);
    return contents(block);
}

LIBC void free(void *at) {
    if (at) release(block_of(at));
}

LIBC void *calloc(size_t count, size_t each) {
    size_t bytes;
    if (__builtin_mul_overflow(count, each, &bytes)) bytes = SIZE_MAX;
    void *at = malloc(bytes);
    return at ? memset(at, 0, bytes) : NULL;
}

LIBC size_t malloc_usable_size(void *at) { return at ? size_of(block_of(at)) - HEAD : 0; }

LIBC void *realloc(void *at, size_t bytes) {
    if (at == NULL) return malloc(bytes);
    struct block *block = block_of(at);
    uint32_t size = block_size(bytes);
    if (size == 0) {
        posix_fail(ENOMEM);
        return NULL;
    }
    uint32_t have = size_of(block);
    struct block *above = after(block);
    bool enough = above == heap.top && (size <= have + size_of(heap.top) || raise_top(size - have));
    if (enough && above == heap.top && size > have) {
        uint32_t rest = size_of(heap.top) - (size - have);
        block->size = size | (block->size & FLAGS);
        heap.top = after(block);
        heap.top->size = rest | BEFORE_USED;
        return at;
    }
    if (size > have && above != heap.top && !(above->size & USED) && have + size_of(above) >= size) {
        take(above);
        block->size = (have + size_of(above)) | (block->size & FLAGS);
        after(block)->size |= BEFORE_USED;
        have = size_of(block);
    }
    if (size <= have) {
        cut(block, size);
        return at;
    }
    void *moved = malloc(bytes);
    if (moved) {
        memcpy(moved, at, have - HEAD);
        free(at);
    }
    return moved;
}

LIBC void *reallocarray(void *at, size_t count, size_t each) {
    size_t bytes;
    return realloc(at, __builtin_mul_overflow(count, each, &bytes) ? SIZE_MAX : bytes);
}

LIBC void *memalign(size_t alignment, size_t bytes) {
    if (alignment == 0 || alignment & (alignment - 1)) {
        posix_fail(EINVAL);
        return NULL;
    }
    if (alignment <= UNIT) return malloc(bytes);
    if (bytes > MOST || alignment > MOST - bytes) {
        posix_fail(ENOMEM);
        return NULL;
    }
    char *at = malloc(bytes + alignment + LEAST);
    if (at == NULL) return NULL;
    char *aligned = (char *)(((uintptr_t)at + alignment - 1) & ~(alignment - 1));
    if (aligned != at) {
        if ((size_t)(aligned - at) < LEAST) aligned += alignment;
        struct block *block = block_of(at), *new = block_of(aligned);
        uint32_t skipped = (uint32_t)(aligned - at);
        new->size = (size_of(block) - skipped) | USED | BEFORE_USED;
        block->size = skipped | (block->size & FLAGS);
        release(block);
    }
    cut(block_of(aligned), block_size(bytes));
    return aligned;
}

LIBC void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
LIBC void *valloc(size_t bytes) { return memalign(PAGE, bytes); }

LIBC int posix_memalign(void **result, size_t alignment, size_t bytes) {
    if (alignment < sizeof(void *) || alignment & (alignment - 1)) return EINVAL;
    int before = errno;
    void *at = memalign(alignment, bytes);
    errno = before;
    if (at == NULL) return ENOMEM;
    *result = at;
    return 0;
}
