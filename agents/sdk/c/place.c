/*
 * fork for children that exec: a child goes on in its parent's place, with all that the parent has in memory. A copy of that is kept
 * above the break. When the child has become another program, or has ended, it is put back, and fork returns again, in the parent,
 * by longjmp: see <unistd.h>.
 */
#include "sys.h"

#include <setjmp.h>
#include <unistd.h>

#include "fork.h"

#ifdef POSIX_FORK_IN_PLACE

static jmp_buf place;
static struct {
    pid_t pid;         /* 0: no child is here */
    char *from, *kept; /* the lowest address in use; the break, where the copy is of all between the two */
} child;

void *__posix_fork_place(void) {
    static jmp_buf unused;
    return child.pid ? unused : place; /* the parent is to come back to its own */
}

pid_t __posix_forked(int pid) {
    if (pid) {
        sys_id(ID_PROCESS, 0); /* the record is the parent's again, with what has come meanwhile */
        if (posix_signal_waits()) posix_deliver();
        return pid;
    }
    char *from = (char *)posix_stack_pointer(), *kept = sbrk(0);
    intptr_t size = kept - from;
    if (sbrk(size) == (void *)-1) return -1;
    int32_t entered = sys_enter_child();
    if (entered < 0) {
        sbrk(-size);
        return (pid_t)posix_result(entered);
    }
    memcpy(kept, from, (size_t)size);
    child.pid = entered;
    child.from = from;
    child.kept = kept;
    posix_forget_timer();
    return 0;
}

/* Its variables are in no memory, or they would change with it. */
_Noreturn void posix_leave_child(void) {
    pid_t pid = child.pid;
    intptr_t size = child.kept - child.from;
    memcpy(child.from, child.kept, (size_t)size);
    sbrk(-size);
    longjmp(place, pid);
}

void posix_end_child(int status) {
    if (child.pid && sys_leave_child((uint32_t)status) == 0) posix_leave_child();
}

#endif
