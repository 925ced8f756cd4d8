// What wait tells: exit codes, signals, stops, and nothing yet.
#include <signal.h>

#include "check.h"

int main(void) {
    int status;
    pid_t pid = fork();
    if (pid == 0) exit(255);
    check("exit 255", ended(pid) == 255 << 8);
    if ((pid = fork()) == 0) {
        raise(SIGKILL);
        _exit(1);
    }
    status = ended(pid);
    check("killed", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    if ((pid = fork()) == 0) abort();
    status = ended(pid);
    check("aborted", WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);

    int ends[2];
    char byte;
    pipe(ends);
    if ((pid = fork()) == 0) {
        close(ends[1]);
        read(ends[0], &byte, 1);
        _exit(9);
    }
    check("nothing yet", waitpid(pid, &status, WNOHANG) == 0);
    check("stop it", kill(pid, SIGSTOP) == 0);
    check("stopped", waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    check("continue it", kill(pid, SIGCONT) == 0);
    check("continued", waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
    close(ends[1]);
    siginfo_t info;
    check("look", waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 && info.si_status == 9 && info.si_code == CLD_EXITED);
    struct rusage usage;
    check("wait4", wait4(pid, &status, 0, &usage) == pid && WEXITSTATUS(status) == 9);
    check("none is left", failed(waitpid(pid, &status, 0), ECHILD));
    return done();
}
