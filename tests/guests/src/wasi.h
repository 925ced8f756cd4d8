// WASI 0.2 imports by hand (the canonical ABI's flat signatures), for what preview 1 cannot say.
#ifndef WASI_H
#define WASI_H

#include <stdint.h>
#include <stdlib.h>

#define WASI(module, name) __attribute__((import_module("wasi:" module "@0.2.12"), import_name(name)))

typedef int32_t handle;

// The host's lists and strings arrive in memory that the guest allocates.
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)old_size;
    (void)align;
    return size ? realloc(old, size) : (void *)align;
}

#endif
