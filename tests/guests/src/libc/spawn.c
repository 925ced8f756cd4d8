// posix_spawn of this program itself, with actions on the child's descriptors. Its name is the first argument.
#include <signal.h>
#include <spawn.h>

#include "check.h"

static char *self;
static volatile int noted;
static void note(int signal) { noted = signal; }

static int spawn(const char *what, const posix_spawn_file_actions_t *files, const posix_spawnattr_t *attributes) {
    char *arguments[] = {(char *)"child", self, (char *)what, NULL};
    pid_t pid;
    int error = posix_spawn(&pid, self, files, attributes, arguments, environ);
    if (error) return errno = error, -1;
    return ended(pid);
}

static int child(const char *what) {
    char text[16] = "";
    struct stat found;
    if (strcmp(what, "read") == 0) return read(0, text, 5) == 5 && strcmp(text, "hello") == 0 ? 3 : 4;
    if (strcmp(what, "write") == 0) return dprintf(1, "written\n") == 8 && failed(write(5, "x", 1), EBADF) ? 3 : 4;
    if (strcmp(what, "here") == 0) return stat("input", &found) == 0 ? 3 : 4;
    if (strcmp(what, "group") == 0) return getpgrp() == getpid() ? 3 : 4;
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, SIGUSR1) == 1 ? 3 : 4;
}

int main(int argc, char **argv) {
    if (argc > 2) return child(argv[2]);
    self = argv[1];
    char directory[] = "/tmp/spawnXXXXXX", line[32] = "";
    check("mkdtemp", mkdtemp(directory) != NULL);
    check("chdir", chdir(directory) == 0);
    FILE *input = fopen("input", "w");
    fputs("hello", input);
    fclose(input);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "input", O_RDONLY, 0);
    check("a file as stdin", spawn("read", &files, NULL) == 3 << 8);
    posix_spawn_file_actions_destroy(&files);

    int ends[2];
    pipe(ends);
    dup2(1, 5);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], 1);
    posix_spawn_file_actions_addclose(&files, 5);
    check("a pipe as stdout", spawn("write", &files, NULL) == 3 << 8);
    check("what went into it", read(ends[0], line, sizeof line) == 8 && strcmp(line, "written\n") == 0);
    check("mine are as they were", fcntl(5, F_GETFD) == 0);
    posix_spawn_file_actions_destroy(&files);

    chdir("/");
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addchdir_np(&files, directory);
    check("another directory", spawn("here", &files, NULL) == 3 << 8);
    posix_spawn_file_actions_destroy(&files);

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addclose(&files, 99);
    check("a descriptor that is closed already", spawn("mask", &files, NULL) == 4 << 8);
    posix_spawn_file_actions_destroy(&files);

    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    check("its own group", spawn("group", NULL, &attributes) == 3 << 8);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &mask);
    check("a signal mask", spawn("mask", NULL, &attributes) == 3 << 8);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    check("mine is empty", sigisemptyset(&mask));
    signal(SIGUSR1, note);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    raise(SIGUSR1);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigdefault(&attributes, &mask);
    sigemptyset(&mask);
    posix_spawnattr_setsigmask(&attributes, &mask);
    check("no mask", spawn("mask", NULL, &attributes) == 4 << 8);
    check("mine still waits", noted == 0);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    check("and is handled", noted == SIGUSR1);
    pid_t pid;
    check("no such program", posix_spawnp(&pid, "nowhere", NULL, NULL, argv, environ) == ENOENT);
    return done();
}
