// Handled, ignored, blocked, waited for.
#include <signal.h>

#include "check.h"

static volatile int came, mask_had_it;

static void handler(int signal) {
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    mask_had_it = sigismember(&mask, signal);
    came++;
}

static void with_info(int signal, siginfo_t *info, void *context) {
    came += info->si_signo == signal && context == NULL ? 10 : 0;
}

int main(void) {
    struct sigaction action = {0}, before;
    action.sa_handler = handler;
    check("sigaction", sigaction(SIGUSR1, &action, &before) == 0 && before.sa_handler == SIG_DFL);
    raise(SIGUSR1);
    check("handled", came == 1 && mask_had_it == 1);
    kill(getpid(), SIGUSR1);
    check("by kill", came == 2);

    signal(SIGUSR2, SIG_IGN);
    raise(SIGUSR2);
    check("ignored", came == 2);

    sigset_t mine, mask, pending;
    sigemptyset(&mine);
    sigaddset(&mine, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mine, &mask);
    raise(SIGUSR1);
    raise(SIGUSR1);
    sigpending(&pending);
    check("blocked", came == 2 && sigismember(&pending, SIGUSR1) == 1);
    check("sigsuspend", failed(sigsuspend(&mask), EINTR) && came == 3);
    raise(SIGUSR1);
    check("blocked again", came == 3);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    check("once it is not", came == 4);

    action.sa_sigaction = with_info;
    action.sa_flags = SA_SIGINFO | (int)SA_RESETHAND;
    sigaction(SIGTERM, &action, NULL);
    raise(SIGTERM);
    check("SA_SIGINFO", came == 14);
    sigaction(SIGTERM, NULL, &before);
    check("SA_RESETHAND", before.sa_handler == SIG_DFL);
    check("SIGKILL has no handler", failed(sigaction(SIGKILL, &action, NULL), EINVAL));

    int ends[2];
    char byte;
    pid_t parent = getpid(), pid;
    pipe(ends);
    action.sa_handler = handler;
    for (int restart = 0; restart < 2; restart++) {
        action.sa_flags = restart ? SA_RESTART : 0;
        sigaction(SIGUSR1, &action, NULL);
        if ((pid = fork()) == 0) {
            usleep(50000);
            kill(parent, SIGUSR1);
            usleep(50000);
            if (restart) write(ends[1], "x", 1);
            _exit(0);
        }
        ssize_t got = read(ends[0], &byte, 1);
        check(restart ? "SA_RESTART" : "interrupted", restart ? got == 1 : failed(got, EINTR));
        check("child", ended(pid) == 0);
    }
    check("handlers ran", came == 16);
    if ((pid = fork()) == 0) {
        signal(SIGTERM, SIG_DFL);
        sigaddset(&mine, SIGTERM);
        sigprocmask(SIG_BLOCK, &mine, NULL);
        raise(SIGTERM);
        sigprocmask(SIG_UNBLOCK, &mine, NULL);
        _exit(1);
    }
    int status = ended(pid);
    check("its default, once it is not blocked", WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    return done();
}
