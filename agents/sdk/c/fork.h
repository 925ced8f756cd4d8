/* How a program and its children by fork work together. */
#ifndef TORPOR_FORK_H
#define TORPOR_FORK_H

#include <stdint.h>

/* fork.c, in the entry, with the program unwound: forks, and winds it up again. */
void posix_fork_parent(void);
/* fork.c, in the child's entry: winds up what was copied. */
void posix_fork_child(void);

/* time.c: the timer that was noted is the parent's. */
void posix_forget_timer(void);

/* memory.c: in this copy of what begins at `from`, has the heap be as it is now. */
void posix_keep_heap(char *copy, const char *from);

#ifdef POSIX_FORK_IN_PLACE
/* place.c: the child that is here has become another program, elsewhere: goes on in its parent. */
_Noreturn void posix_leave_child(void);
/* place.c: the child that is here ends with this status, if there is one. Returns if there is none, or if it does not end by that. */
void posix_end_child(int status);
#else
static inline void posix_leave_child(void) {}
static inline void posix_end_child(int status) { (void)status; }
#endif

__asm__(".globaltype __stack_pointer, i32\n");

static inline uintptr_t posix_stack_pointer(void) {
    uintptr_t at;
    __asm__ volatile("global.get __stack_pointer\n local.set %0" : "=r"(at));
    return at;
}

#endif
