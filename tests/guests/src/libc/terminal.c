// What programs do at a terminal, by its first argument: read lines, single bytes, sizes and signals, run a job, wait in the background.
#include <sys/ioctl.h>
#include <termios.h>

#include "check.h"

static volatile int last;
static void note(int number) { last = number; }

static void say(const char *text) { write(1, text, strlen(text)); }

static int lines(void) {
    char line[256];
    say("ready\n");
    while (fgets(line, sizeof line, stdin)) printf("got %s", line), fflush(stdout);
    say("end\n");
    return 7;
}

static int bytes(void) {
    struct termios before, raw;
    if (tcgetattr(0, &before)) return 1;
    raw = before;
    cfmakeraw(&raw);
    tcsetattr(0, TCSAFLUSH, &raw);
    unsigned char code;
    say("ready\r\n");
    do {
        if (read(0, &code, 1) != 1) return 2;
        printf("%d\r\n", code), fflush(stdout);
    } while (code != 'q');
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 1;
    tcsetattr(0, TCSANOW, &raw);
    printf("nothing in a tenth of a second: %d\r\n", (int)read(0, &code, 1)), fflush(stdout);
    tcsetattr(0, TCSADRAIN, &before);
    return 0;
}

static int signals(void) {
    int numbers[] = {SIGWINCH, SIGINT, SIGQUIT, SIGHUP};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], note);
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    struct winsize size;
    ioctl(0, TIOCGWINSZ, &size);
    printf("ready %d %d\n", size.ws_row, size.ws_col), fflush(stdout);
    do {
        last = 0;
        sigsuspend(&before);
        if (last == SIGWINCH) ioctl(0, TIOCGWINSZ, &size);
        char byte;
        if (last == SIGHUP) return read(0, &byte, 1) == 0 && failed(write(1, "x", 1), EIO) && failed(tcgetwinsize(0, &size), EIO) ? 3 : 4;
        printf("signal %d, %d %d\n", last, size.ws_row, size.ws_col), fflush(stdout);
    } while (last != SIGQUIT);
    return 0;
}

static void foreground(pid_t group) {
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(0, group);
    signal(SIGTTOU, SIG_DFL);
}

static void told(const char *what, int status) {
    printf("%s: stopped %d, ended %d\n", what, WIFSTOPPED(status) ? WSTOPSIG(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    fflush(stdout);
}

static int jobs(void) {
    int status;
    pid_t job = fork();
    if (job == 0) {
        setpgid(0, 0);
        char line[64];
        ssize_t size = read(0, line, sizeof line); // in the background
        say("the job reads ");
        write(1, line, (size_t)size);
        for (;;) pause();
    }
    setpgid(job, job);
    waitpid(job, &status, WUNTRACED);
    told("background", status);
    foreground(job);
    kill(-job, SIGCONT);
    waitpid(job, &status, WUNTRACED);
    told("foreground", status);
    kill(-job, SIGCONT);
    waitpid(job, &status, WUNTRACED);
    told("again", status);
    foreground(getpgrp());
    printf("own group: %d\n", tcgetpgrp(0) == getpgrp()), fflush(stdout);
    int tty = open("/dev/tty", O_RDWR);
    printf("/dev/tty: %d, %s\n", isatty(tty), ttyname(tty)), fflush(stdout);
    pid_t other = fork();
    if (other == 0) {
        setsid();
        _exit(failed(open("/dev/tty", O_RDWR), ENXIO) && failed(tcgetpgrp(0), ENOTTY) ? 0 : 1);
    }
    printf("without a terminal: %d\n", ended(other)), fflush(stdout);
    printf("no such group: %d\n", failed(tcsetpgrp(0, 999999), EPERM)), fflush(stdout);
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    return strcmp(what, "lines") == 0     ? lines()
           : strcmp(what, "bytes") == 0   ? bytes()
           : strcmp(what, "signals") == 0 ? signals()
           : strcmp(what, "jobs") == 0    ? jobs()
                                          : 1;
}
