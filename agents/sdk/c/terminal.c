/* Terminals: the host's struct termios is Linux's, and so is <termios.h>'s. */
#include "sys.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

_Static_assert(sizeof(struct termios) == 60, "the host's record");

LIBC int tcgetattr(int fd, struct termios *to) { return (int)posix_result(sys_get_terminal(fd, to)); }
LIBC int tcsetattr(int fd, int when, const struct termios *from) {
    if (when != TCSANOW && when != TCSADRAIN && when != TCSAFLUSH) return posix_fail(EINVAL);
    return (int)POSIX_RESTARTED(sys_set_terminal(fd, (uint32_t)when, from));
}

/* stdio's question at the first line; errno is the caller's business. */
LIBC int __isatty(int fd) {
    struct termios unused;
    return tcgetattr(fd, &unused) == 0;
}
LIBC int isatty(int fd) {
    if (__isatty(fd)) return 1;
    if (errno != EBADF) errno = ENOTTY;
    return 0;
}

LIBC int tcgetwinsize(int fd, struct winsize *to) {
    uint16_t size[2];
    if (posix_result(sys_window_size(fd, size)) < 0) return -1;
    *to = (struct winsize){.ws_row = size[0], .ws_col = size[1]};
    return 0;
}
LIBC int tcsetwinsize(int fd, const struct winsize *from) {
    return (int)posix_result(sys_set_window_size(fd, from->ws_row, from->ws_col));
}

LIBC pid_t tcgetpgrp(int fd) { return (pid_t)posix_result(sys_get_foreground(fd)); }
LIBC int tcsetpgrp(int fd, pid_t group) { return (int)posix_result(sys_set_foreground(fd, group)); }
LIBC pid_t tcgetsid(int fd) { return isatty(fd) ? sys_id(ID_SESSION, 0) : -1; }

LIBC int tcdrain(int fd) {
    struct termios now;
    return tcgetattr(fd, &now) ? -1 : tcsetattr(fd, TCSADRAIN, &now);
}
LIBC int tcflush(int fd, int queue) {
    struct termios now;
    if (tcgetattr(fd, &now)) return -1;
    return queue == TCOFLUSH ? 0 : tcsetattr(fd, TCSAFLUSH, &now); /* what was written is out */
}
LIBC int tcflow(int fd, int action) {
    (void)action;
    return isatty(fd) ? posix_fail(ENOSYS) : -1;
}
LIBC int tcsendbreak(int fd, int duration) {
    (void)duration;
    return isatty(fd) ? 0 : -1; /* to no line */
}

LIBC speed_t cfgetospeed(const struct termios *from) { return from->__c_ospeed; }
LIBC speed_t cfgetispeed(const struct termios *from) { return from->__c_ispeed; }
LIBC int cfsetospeed(struct termios *to, speed_t speed) { return to->__c_ospeed = speed, 0; }
LIBC int cfsetispeed(struct termios *to, speed_t speed) { return to->__c_ispeed = speed, 0; }
LIBC int cfsetspeed(struct termios *to, speed_t speed) { return to->__c_ospeed = to->__c_ispeed = speed, 0; }
LIBC void cfmakeraw(struct termios *to) {
    to->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    to->c_oflag &= ~(tcflag_t)OPOST;
    to->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    to->c_cflag = (to->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    to->c_cc[VMIN] = 1;
    to->c_cc[VTIME] = 0;
}

LIBC int ioctl(int fd, int what, ...) {
    va_list rest;
    va_start(rest, what);
    void *with = va_arg(rest, void *);
    va_end(rest);
    switch (what) {
        case TCGETS:
            return tcgetattr(fd, with);
        case TCSETS:
        case TCSETSW:
        case TCSETSF:
            return tcsetattr(fd, what - TCSETS, with);
        case TIOCGWINSZ:
            return tcgetwinsize(fd, with);
        case TIOCSWINSZ:
            return tcsetwinsize(fd, with);
        case TIOCGPGRP: {
            pid_t group = tcgetpgrp(fd);
            if (group >= 0) *(pid_t *)with = group;
            return group < 0 ? -1 : 0;
        }
        case TIOCSPGRP:
            return tcsetpgrp(fd, *(pid_t *)with);
        case FIONREAD: {
            int64_t bytes = posix_result(sys_control(fd, GET_READABLE, 0));
            if (bytes >= 0) *(int *)with = (int)bytes;
            return bytes < 0 ? -1 : 0;
        }
        case FIONBIO: {
            int flags = fcntl(fd, F_GETFL);
            return flags < 0 ? -1 : fcntl(fd, F_SETFL, *(int *)with ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
        }
        case FIOCLEX:
        case FIONCLEX:
            return fcntl(fd, F_SETFD, what == FIOCLEX ? FD_CLOEXEC : 0);
        default:
            return posix_fail(isatty(fd) ? EINVAL : ENOTTY);
    }
}

/* A terminal has one name: its process's own. */
LIBC char *ctermid(char *to) {
    static char name[] = "/dev/tty";
    return to ? strcpy(to, name) : name;
}
LIBC int ttyname_r(int fd, char *to, size_t size) {
    if (!isatty(fd)) return errno;
    return strlcpy(to, "/dev/tty", size) < size ? 0 : ERANGE;
}
LIBC char *ttyname(int fd) {
    static char name[16];
    int error = ttyname_r(fd, name, sizeof name);
    if (error) errno = error;
    return error ? NULL : name;
}

LIBC char *getpass(const char *prompt) {
    static char password[128];
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    struct termios before, silent;
    if (fd < 0 || tcgetattr(fd, &before)) {
        if (fd >= 0) close(fd);
        return NULL;
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(fd, TCSAFLUSH, &silent);
    write(fd, prompt, strlen(prompt));
    ssize_t length = read(fd, password, sizeof password - 1);
    tcsetattr(fd, TCSAFLUSH, &before);
    write(fd, "\n", 1);
    close(fd);
    if (length < 0) return NULL;
    password[length] = 0;
    password[strcspn(password, "\n")] = 0;
    return password;
}
