// Two processes after fork, each with its own memory and its own place in the same code.
#include "check.h"

static int global = 1;

static int deep(int depth) {
    volatile int here = depth;
    if (depth > 0) return deep(depth - 1) + here - depth;
    pid_t pid = fork();
    if (pid == 0) return 7;
    int status = ended(pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 8 : -1;
}

/* A child by vfork has its parent's place; one by fork that comes before or after has its own. */
static pid_t ends_in_place(volatile int *seen) {
    pid_t pid = vfork();
    if (pid == 0) {
        global = *seen = 9;
        _exit(failed(fork(), ENOSYS) ? 3 : 4);
    }
    return pid;
}

int main(void) {
    int local = 1;
    char *heap = strdup("parent");
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        global = local = 2;
        strcpy(heap, "child");
        check("child has its own pid", getpid() != parent && getppid() == parent);
        _exit(global == 2 && local == 2 && strcmp(heap, "child") == 0 ? 5 : 6);
    }
    check("fork", pid > 0);
    int status = ended(pid);
    check("child's status", WIFEXITED(status) && WEXITSTATUS(status) == 5);
    check("parent's memory", global == 1 && local == 1 && strcmp(heap, "parent") == 0);
    int from_depth = deep(100);
    if (from_depth == 7) exit(7);
    check("fork from a depth", from_depth == 8);
    int all = 0;
    for (int i = 0; i < 5; i++) {
        if (fork() == 0) _exit(i);
    }
    for (int i = 0; i < 5; i++) {
        if (wait(&status) > 0) all += WEXITSTATUS(status);
    }
    check("five children", all == 10);
    volatile int seen = 0;
    check("vfork", ended(ends_in_place(&seen)) == 3 << 8 && seen == 0 && global == 1);
    pid = fork();
    if (pid == 0) _exit(ended(ends_in_place(&seen)) == 3 << 8 ? 4 : 5);
    check("vfork in a child", ended(pid) == 4 << 8);
    check("no child left", failed(wait(NULL), ECHILD));
    return done();
}
