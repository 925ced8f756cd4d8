// Alarms and timers: SIGALRM comes, and what is left of them.
#include <signal.h>
#include <sys/time.h>

#include "check.h"

static volatile int rung;
static void ring(int signal) {
    (void)signal;
    rung++;
}

int main(void) {
    struct itimerval timer = {.it_value = {.tv_usec = 20000}}, left;
    check("none before", alarm(100) == 0);
    check("what was left", alarm(0) == 100);
    struct sigaction action = {0};
    action.sa_handler = ring;
    sigaction(SIGALRM, &action, NULL);
    check("setitimer", setitimer(ITIMER_REAL, &timer, NULL) == 0);
    check("pause", failed(pause(), EINTR) && rung == 1);
    timer.it_interval = timer.it_value;
    setitimer(ITIMER_REAL, &timer, NULL);
    while (rung < 4) pause();
    check("again and again", rung == 4);
    timer.it_value.tv_sec = 50;
    timer.it_interval.tv_sec = 60;
    setitimer(ITIMER_REAL, &timer, &left);
    check("getitimer", getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_sec == 50 && left.it_interval.tv_sec == 60);
    pid_t pid = fork();
    if (pid == 0) _exit(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_sec == 0 && left.it_interval.tv_sec == 0 ? 0 : 1);
    check("a child has none", ended(pid) == 0);
    timer.it_value.tv_usec = 1000000;
    check("no time", failed(setitimer(ITIMER_REAL, &timer, NULL), EINVAL));
    timer.it_value = (struct timeval){.tv_sec = 1LL << 60};
    check("a time that never comes", setitimer(ITIMER_REAL, &timer, NULL) == 0);
    check("a sleep is cut short", alarm(1) > 0 && sleep(100) > 90 && rung == 5);
    if ((pid = fork()) == 0) {
        signal(SIGALRM, SIG_DFL);
        ualarm(10000, 0);
        pause();
        _exit(1);
    }
    int status = ended(pid);
    check("unhandled it ends", WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
    return done();
}
