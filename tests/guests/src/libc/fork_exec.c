// fork = "exec": children that go on in their parent's place until they become another program, or end. Its name is the first argument.
#include <signal.h>
#include <spawn.h>
#include <sys/time.h>

#include "check.h"

#define FORK exec

static char *self;
static int global = 1;
static volatile int noted;
static void note(int signal) { noted += signal; }

static void become(const char *what) {
    execl(self, "child", self, what, (char *)NULL);
    _exit(127);
}

static int spawned(const char *what, const char *how) {
    char *arguments[] = {(char *)"child", self, (char *)what, (char *)how, NULL};
    pid_t pid;
    return posix_spawn(&pid, self, NULL, NULL, arguments, environ) ? -1 : pid;
}

static int child(int argc, char **argv) {
    sigset_t mask, waits;
    const char *what = argv[2];
    if (strcmp(what, "descriptors") == 0) return fcntl(8, F_GETFD) == 0 && failed(fcntl(9, F_GETFD), EBADF) && access("here", F_OK) == 0 ? 3 : 4;
    if (strcmp(what, "kill") == 0) return argc > 3 && kill(atoi(argv[3]), SIGKILL) == 0 ? 3 : 4;
    if (strcmp(what, "pause") == 0) return pause();
    if (strcmp(what, "orphan") == 0) {
        if (fork() == 0) {
            kill(getppid(), SIGKILL);
            pause();
        }
        return 4;
    }
    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigpending(&waits);
    return sigismember(&mask, SIGUSR1) == 1 && sigismember(&mask, SIGUSR2) == 1 && sigisemptyset(&waits) ? 3 : 4;
}

static pid_t forks_in(int depth) {
    volatile int here = depth;
    if (depth > 0) return forks_in(depth - 1) + here - depth;
    pid_t pid = fork();
    if (pid == 0) _exit(6);
    return pid;
}

static volatile pid_t by_handler;
static void forks(int number) {
    signal(number, SIG_DFL);
    pid_t pid = fork();
    if (pid == 0) _exit(number);
    by_handler = pid;
}

static bool is_self(pid_t pid) {
    char text[16] = "";
    return readlink("/proc/self", text, sizeof text - 1) > 0 && atoi(text) == pid;
}

static void memory(void) {
    int local = 1;
    char *heap = strdup("parent");
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        global = local = 2;
        strcpy(heap, "child");
        free(heap);
        memset(malloc(1 << 20), 1, 1 << 20);
        _exit(getpid() != parent && getppid() == parent && is_self(getpid()) ? 5 : 6);
    }
    check("a child that ends", pid > 0 && ended(pid) == 5 << 8);
    check("my memory", global == 1 && local == 1 && strcmp(heap, "parent") == 0);
    check("who I am", getpid() == parent && is_self(parent));
    check("a fork in a depth", ended(forks_in(50)) == 6 << 8);
    void *top = sbrk(0);
    bool right = true;
    for (int i = 0; i < 100; i++) {
        if ((pid = vfork()) == 0) {
            memset(malloc(50000), 1, 50000);
            _exit(i);
        }
        right = right && ended(pid) == i << 8;
    }
    check("many", right);
    check("the break is where it was", sbrk(0) == top);
}

static void without_room(void) {
    struct block {
        struct block *next;
    } *blocks = NULL, *block;
    while ((block = malloc(32 << 20)) != NULL) block->next = blocks, blocks = block;
    check("more than half of the memory", blocks && blocks->next && blocks->next->next);
    block = blocks->next, free(blocks), blocks = block;
    int local = 1;
    char *heap = strdup("parent");
    bool right = true;
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            global = local = 2;
            memset(malloc(50000), 1, 50000);
            if (i % 2) become("kill");
            _exit(4);
        }
        memset(malloc(50000), 1, 50000);
        right = right && pid > 0 && ended(pid) == 4 << 8;
    }
    check("children without room for a copy", right);
    check("my stack and my variables", global == 1 && local == 1 && strcmp(heap, "parent") == 0);
    while (blocks) block = blocks->next, free(blocks), blocks = block;
    check("my heap", (block = malloc(64 << 20)) != NULL);
    free(block);
}

static void programs(void) {
    char directory[] = "/tmp/placeXXXXXX", text[8] = "";
    int ends[2];
    check("mkdtemp", mkdtemp(directory) != NULL && pipe(ends) == 0);
    dup2(1, 9);
    pid_t pid = fork();
    if (pid == 0) {
        chdir(directory);
        close(open("here", O_CREAT | O_WRONLY, 0600));
        dup2(1, 8);
        fcntl(9, F_SETFD, FD_CLOEXEC);
        become("descriptors");
    }
    check("a child that execs", ended(pid) == 3 << 8);
    check("my descriptors", failed(fcntl(8, F_GETFD), EBADF) && fcntl(9, F_GETFD) == 0);
    check("my directory", failed(access("here", F_OK), ENOENT));
    if ((pid = fork()) == 0) {
        if (execl("/nowhere", "nowhere", (char *)NULL) < 0 && errno == ENOENT) write(ends[1], "none", 4);
        _exit(127);
    }
    check("no such program", ended(pid) == 127 << 8 && read(ends[0], text, 4) == 4 && strcmp(text, "none") == 0);
    if ((pid = fork()) == 0) {
        bool none = failed(fork(), ENOSYS);
        _exit(none && ended(spawned("kill", NULL)) == 4 << 8 ? 3 : 4);
    }
    check("a child of a child, by spawn only", ended(pid) == 3 << 8);
}

static void signals(void) {
    signal(SIGUSR1, note);
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGUSR1);
        _exit(noted == SIGUSR1 ? 3 : 4);
    }
    check("a handler in the child", ended(pid) == 3 << 8 && noted == 0);
    if ((pid = fork()) == 0) {
        kill(getppid(), SIGUSR1);
        _exit(noted);
    }
    check("one that the child sends me", noted == SIGUSR1 && ended(pid) == 0);
    noted = 0;
    if ((pid = fork()) == 0) raise(SIGTERM), _exit(4);
    check("killed by itself", ended(pid) == SIGTERM);
    if ((pid = fork()) == 0) {
        sigset_t urgent;
        sigemptyset(&urgent);
        sigaddset(&urgent, SIGURG);
        sigprocmask(SIG_BLOCK, &urgent, NULL);
        raise(SIGURG);
        sigprocmask(SIG_UNBLOCK, &urgent, NULL);
        _exit(3);
    }
    check("one that ends nothing", ended(pid) == 3 << 8);
    if ((pid = fork()) == 0) abort();
    check("abort", ended(pid) == SIGABRT);
    if ((pid = fork()) == 0) {
        char own[16];
        snprintf(own, sizeof own, "%d", getpid());
        spawned("kill", own);
        pause();
    }
    check("killed by another", ended(pid) == SIGKILL);
    if ((pid = fork()) == 0) {
        ualarm(10000, 0);
        become("pause");
    }
    check("an alarm stays", ended(pid) == SIGALRM);
    int ends[2];
    char none;
    pipe(ends);
    dup2(ends[1], 7);
    check("I have none", alarm(0) == 0);
    pid = spawned("orphan", NULL);
    close(7);
    close(ends[1]);
    check("a parent that is killed", ended(pid) == SIGKILL && read(ends[0], &none, 1) == 0);
    signal(SIGCHLD, forks);
    if ((pid = fork()) == 0) _exit(2);
    check("a fork in a handler", by_handler && ended(by_handler) == SIGCHLD << 8 && ended(pid) == 2 << 8);

    sigset_t mask, waits;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    raise(SIGUSR1);
    if ((pid = fork()) == 0) {
        sigaddset(&mask, SIGUSR2);
        sigprocmask(SIG_SETMASK, &mask, NULL);
        become("mask");
    }
    check("a child's mask", ended(pid) == 3 << 8);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    check("mine", sigismember(&mask, SIGUSR1) == 1 && sigismember(&mask, SIGUSR2) == 0);
    check("what waits", sigpending(&waits) == 0 && sigismember(&waits, SIGUSR1) == 1 && noted == 0);
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
    check("and is handled", noted == SIGUSR1);
}

int main(int argc, char **argv) {
    self = argv[1];
    if (argc > 2) return child(argc, argv);
    memory();
    without_room();
    programs();
    signals();
    check("no child left", failed(wait(NULL), ECHILD));
    return done();
}
