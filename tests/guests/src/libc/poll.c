// poll and select on pipes.
#include <poll.h>
#include <sys/select.h>

#include "check.h"

int main(void) {
    int ends[2];
    char byte;
    pipe(ends);
    struct pollfd both[2] = {{.fd = ends[0], .events = POLLIN}, {.fd = ends[1], .events = POLLOUT}};
    check("room, no data", poll(both, 2, 0) == 1 && both[0].revents == 0 && both[1].revents == POLLOUT);
    check("a timeout", poll(both, 1, 20) == 0);
    write(ends[1], "x", 1);
    check("data", poll(both, 1, -1) == 1 && both[0].revents == POLLIN);
    fd_set in;
    FD_ZERO(&in);
    FD_SET(ends[0], &in);
    check("select", select(ends[0] + 1, &in, NULL, NULL, &(struct timeval){0}) == 1 && FD_ISSET(ends[0], &in));
    read(ends[0], &byte, 1);
    check("select without data", select(ends[0] + 1, &in, NULL, NULL, &(struct timeval){0}) == 0 && !FD_ISSET(ends[0], &in));
    pid_t pid = fork();
    if (pid == 0) {
        usleep(20000);
        write(ends[1], "y", 1);
        _exit(0);
    }
    check("data of a child", poll(both, 1, -1) == 1 && both[0].revents == POLLIN && read(ends[0], &byte, 1) == 1);
    check("child", ended(pid) == 0);
    close(ends[1]);
    check("the end", poll(both, 1, -1) == 1 && both[0].revents & POLLHUP);
    both[1].fd = 99;
    check("no descriptor", poll(both + 1, 1, 0) == 1 && both[1].revents == POLLNVAL);
    check("O_NONBLOCK", pipe2(ends, O_NONBLOCK) == 0 && failed(read(ends[0], &byte, 1), EAGAIN));
    return done();
}
