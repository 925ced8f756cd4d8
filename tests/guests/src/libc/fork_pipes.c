// Pipes between parent and child: data, more than a pipe holds, the end, and writing to nobody.
#include <signal.h>

#include "check.h"

int main(void) {
    int ends[2];
    char buffer[65536];
    check("pipe", pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        memset(buffer, 'x', sizeof buffer);
        for (int i = 0; i < 5; i++) {
            if (write(ends[1], buffer, sizeof buffer) != (ssize_t)sizeof buffer) _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    size_t all = 0;
    ssize_t got;
    while ((got = read(ends[0], buffer, sizeof buffer)) > 0) all += (size_t)got;
    check("all that the child wrote", all == 5 * sizeof buffer);
    check("then the end", got == 0);
    check("child wrote it all", ended(pid) == 0);
    close(ends[0]);

    pipe(ends);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    check("write to nobody", failed(write(ends[1], "x", 1), EPIPE));
    pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        write(ends[1], "x", 1);
        _exit(1);
    }
    int status = ended(pid);
    check("SIGPIPE", WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    return done();
}
