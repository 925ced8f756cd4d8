// Jumps: back into a frame, out of a handler, with the mask, and in a child.
#include <setjmp.h>
#include <signal.h>

#include "check.h"

static jmp_buf outer;
static sigjmp_buf masked;

static void inner(int depth) {
    if (depth == 0) longjmp(outer, 5);
    inner(depth - 1);
    check("never here", false);
}

static void handler(int signal) {
    (void)signal;
    siglongjmp(masked, 3);
}

int main(void) {
    volatile int rounds = 0;
    int value = setjmp(outer);
    rounds++;
    if (value == 0) inner(10);
    check("longjmp", value == 5 && rounds == 2);
    if ((value = setjmp(outer)) == 0) longjmp(outer, 0);
    check("never 0", value == 1);
    signal(SIGUSR1, handler);
    value = sigsetjmp(masked, 1);
    if (value == 0) raise(SIGUSR1);
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    check("out of a handler", value == 3 && sigismember(&mask, SIGUSR1) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (setjmp(outer) == 0) inner(3);
        _exit(4);
    }
    check("in a child", ended(pid) == 4 << 8);
    value = setjmp(outer);
    if (value == 0) {
        pid = fork();
        if (pid == 0) longjmp(outer, 9);
    }
    if (value == 9) _exit(9);
    check("in a child, to a frame of before", ended(pid) == 9 << 8);
    return done();
}
