/* What the compiler's lowering of setjmp and longjmp calls. No longjmp may be called in this file. */
#include "sys.h"

#include <setjmp.h>

#include "signals.h"

/* Laid over a jmp_buf. The lowering hands `thrown` to the catch of the frame whose `frame` and label these are. */
struct jump {
    void *frame;
    uint32_t label;
    struct {
        void *buffer;
        int value;
    } thrown;
};
_Static_assert(sizeof(struct jump) <= sizeof(((struct __jmp_buf_tag *)0)->__frame), "a jump fits its buffer");

/* The tag of LLVM's that is longjmp's: 0 is C++'s exceptions. */
#define LONGJMP_TAG 1

void __wasm_setjmp(void *buffer, uint32_t label, void *frame) {
    struct jump *jump = buffer;
    jump->frame = frame;
    jump->label = label;
}

uint32_t __wasm_setjmp_test(void *buffer, void *frame) {
    struct jump *jump = buffer;
    return jump->frame == frame ? jump->label : 0;
}

void __wasm_longjmp(void *buffer, int value) {
    struct jump *jump = buffer;
    jump->thrown.buffer = buffer;
    jump->thrown.value = value ? value : 1;
    posix_handlers_running = 0; /* a jump out of a handler ends it */
    __builtin_wasm_throw(LONGJMP_TAG, &jump->thrown);
}
