/*
 * fork for children that exec: a child goes on in its parent's place, with all that the parent has in memory. A copy of that is kept
 * above the break. When the child has become another program, or has ended, it is put back, and fork returns again, in the parent,
 * by longjmp: see <unistd.h>.
 *
 * Where there is no room for so much, the heap is the child's and the parent's, as by vfork. For a shell that is not enough, which
 * has a fork beside this one.
 */
#include "sys.h"

#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>

#include "fork.h"

#ifdef POSIX_FORK_IN_PLACE

static jmp_buf place;
extern unsigned char __heap_base;
static struct {
    pid_t pid;         /* 0: no child is here */
    char *from, *kept; /* the lowest address in use; the copy of what is there */
    size_t size;       /* of the copy: up to the break, or only to the heap */
    bool shares;       /* the latter */
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
    char *from = (char *)posix_stack_pointer();
    size_t size = (size_t)((char *)sbrk(0) - from);
    char *kept = sbrk((intptr_t)size);
    bool shares = kept == (void *)-1;
#ifdef POSIX_FORK_EXEC
    if (shares) {
        size = (size_t)((char *)&__heap_base - from);
        kept = malloc(size);
        if (kept == NULL) return -1;
    }
#else
    if (shares) return -1;
#endif
    int32_t entered = sys_enter_child();
    if (entered < 0) {
        if (shares) free(kept);
        else sbrk(-(intptr_t)size);
        return (pid_t)posix_result(entered);
    }
    memcpy(kept, from, size);
    child.pid = entered;
    child.from = from;
    child.kept = kept;
    child.size = size;
    child.shares = shares;
    posix_forget_timer();
    return 0;
}

/* Its variables are in no memory, or they would change with it. */
_Noreturn void posix_leave_child(void) {
    pid_t pid = child.pid;
    char *kept = child.kept;
    size_t size = child.size;
    bool shares = child.shares;
    if (shares) posix_keep_heap(kept, child.from);
    memcpy(child.from, kept, size);
    if (shares) free(kept);
    else sbrk(-(intptr_t)size);
    longjmp(place, pid);
}

void posix_end_child(int status) {
    if (child.pid && sys_leave_child((uint32_t)status) == 0) posix_leave_child();
}

#endif
