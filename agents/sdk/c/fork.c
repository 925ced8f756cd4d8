/*
 * fork by Asyncify: the program unwinds into memory, the host makes a second instance with a copy of that memory, and both wind
 * up again. With no frame left on the wasm stack memory is all that there is, but for the stack pointer, which is noted there.
 */
#include "sys.h"

#include <unistd.h>

#include "fork.h"
#include "signals.h"

#ifdef POSIX_FORK_FULL

#define ASYNCIFY(name) __attribute__((import_module("asyncify"), import_name(name)))
ASYNCIFY("start_unwind") void start_unwind(void *record);
ASYNCIFY("stop_unwind") void stop_unwind(void);
ASYNCIFY("start_rewind") void start_rewind(void *record);
ASYNCIFY("stop_rewind") void stop_rewind(void);

/* Room for the frames of a shell that forks some thousand calls deep; what is not used is neither touched nor copied. A deeper
   one traps: Asyncify checks the end. */
#define FRAMES_SIZE (256 * 1024)
static unsigned char frames[FRAMES_SIZE] __attribute__((aligned(16)));
static struct {
    void *at, *end;
} asyncify_record;

static bool rewinding;
static int32_t forked;
static uintptr_t stack_pointer;

static inline void set_stack_pointer(uintptr_t at) {
    __asm__ volatile("local.get %0\n global.set __stack_pointer" ::"r"(at));
}

__attribute__((noinline, optnone)) static void unwind(void) {
    asyncify_record.at = frames;
    asyncify_record.end = frames + FRAMES_SIZE;
    start_unwind(&asyncify_record);
}

__attribute__((noinline)) pid_t fork(void) {
    if (!rewinding) {
        /* posix_deliver is not instrumented, or else every function that makes a call of the host had to be. */
        if (posix_handlers_running) return posix_fail(ENOSYS);
        stack_pointer = posix_stack_pointer();
        unwind();
        return 0; /* to nobody: all callers are being unwound */
    }
    stop_rewind();
    rewinding = false;
    return (pid_t)posix_result(forked);
}

static void go_on(int32_t result) {
    forked = result;
    rewinding = true;
    set_stack_pointer(stack_pointer);
    start_rewind(&asyncify_record);
}

void posix_fork_parent(void) {
    stop_unwind();
    go_on(sys_fork(stack_pointer, (uintptr_t)sbrk(0)));
}

void posix_fork_child(void) {
    posix_record.pending = 0; /* signals that wait are the parent's */
    posix_forget_timer();
    go_on(0);
}

#else

/* A program that was built without fork, or calls it by a pointer: see <unistd.h>. */
LIBC pid_t(fork)(void) { return posix_fail(ENOSYS); }

#endif

LIBC pid_t(vfork)(void) { return posix_fail(ENOSYS); } /* as above */
