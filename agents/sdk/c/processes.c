/* Processes: who they are, waiting for them, and commands of the shell. */
#include "sys.h"

#include <fcntl.h>
#include <paths.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

LIBC pid_t getpid(void) { return sys_id(ID_PROCESS, 0); }
LIBC pid_t gettid(void) { return getpid(); }
LIBC pid_t getppid(void) { return sys_id(ID_PARENT, 0); }
LIBC pid_t getpgrp(void) { return sys_id(ID_GROUP, 0); }
LIBC pid_t getpgid(pid_t pid) { return (pid_t)posix_result(sys_id(ID_GROUP, pid)); }
LIBC pid_t getsid(pid_t pid) { return (pid_t)posix_result(sys_id(ID_SESSION, pid)); }
LIBC int setpgid(pid_t pid, pid_t group) { return (int)posix_result(sys_set_group(pid, group)); }
LIBC int setpgrp(void) { return setpgid(0, 0); }
LIBC pid_t setsid(void) { return (pid_t)posix_result(sys_set_session()); }

struct waited {
    uint32_t status, zero;
    uint64_t nanoseconds;
};

static struct timeval seconds_of(uint64_t nanoseconds) {
    return (struct timeval){.tv_sec = (time_t)(nanoseconds / NANOSECONDS), .tv_usec = (suseconds_t)(nanoseconds % NANOSECONDS / 1000)};
}

LIBC pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage) {
    struct waited waited = {0};
    int64_t found = POSIX_RESTARTED(sys_wait(pid, (uint32_t)options, &waited));
    if (found > 0 && status) *status = (int)waited.status;
    if (found > 0 && usage) *usage = (struct rusage){.ru_utime = seconds_of(waited.nanoseconds)};
    return (pid_t)found;
}
LIBC pid_t wait3(int *status, int options, struct rusage *usage) { return wait4(-1, status, options, usage); }
LIBC pid_t waitpid(pid_t pid, int *status, int options) { return wait4(pid, status, options, NULL); }
LIBC pid_t wait(int *status) { return wait4(-1, status, 0, NULL); }

LIBC int waitid(idtype_t type, id_t id, siginfo_t *info, int options) {
    /* The host always tells of a child that ended: to wait for others alone is not possible. */
    if (!(options & WEXITED)) return posix_fail(EINVAL);
    pid_t which = type == P_PID ? (pid_t)id : type == P_PGID ? -(pid_t)id : -1;
    int status = 0;
    pid_t found = waitpid(which, &status, options & ~WEXITED);
    if (found < 0) return -1;
    *info = (siginfo_t){.si_signo = found ? SIGCHLD : 0, .si_pid = found, .si_uid = OWN_ID};
    if (found == 0) return 0;
    info->si_code = WIFEXITED(status)      ? CLD_EXITED
                    : WIFSTOPPED(status)   ? CLD_STOPPED
                    : WIFCONTINUED(status) ? CLD_CONTINUED
                                           : CLD_KILLED;
    info->si_status = WIFEXITED(status)      ? WEXITSTATUS(status)
                      : WIFSTOPPED(status)   ? WSTOPSIG(status)
                      : WIFCONTINUED(status) ? SIGCONT
                                             : WTERMSIG(status);
    return 0;
}

LIBC int getrusage(int who, struct rusage *usage) {
    struct {
        uint64_t nanoseconds, bytes;
    } used = {0};
    if (posix_result(sys_usage(who, &used)) < 0) return -1;
    *usage = (struct rusage){.ru_utime = seconds_of(used.nanoseconds), .ru_maxrss = (long)(used.bytes / 1024)};
    return 0;
}

/* Limits are the VM's: they are not told, and cannot be changed, but for the host's number of descriptors, which programs count on,
   and that nothing leaves a core file, which some ask for. */
#define DESCRIPTORS 1024
LIBC int getrlimit(int what, struct rlimit *limit) {
    if (what < 0 || what >= RLIM_NLIMITS) return posix_fail(EINVAL);
    limit->rlim_cur = limit->rlim_max = what == RLIMIT_NOFILE ? DESCRIPTORS : what == RLIMIT_CORE ? 0 : RLIM_INFINITY;
    return 0;
}
LIBC int setrlimit(int what, const struct rlimit *limit) {
    struct rlimit now;
    if (getrlimit(what, &now)) return -1;
    return limit->rlim_cur == now.rlim_cur && limit->rlim_max == now.rlim_max ? 0 : posix_fail(EPERM);
}
LIBC int getdtablesize(void) { return DESCRIPTORS; }

/* VMs have equal shares, and their processes too: what a program says of itself is noted, and changes nothing. */
#define NICEST 19
static int niceness;
static bool is_self(int which, id_t who) { return which == PRIO_PROCESS && (who == 0 || who == (id_t)getpid()); }
LIBC int getpriority(int which, id_t who) { return is_self(which, who) ? niceness : 0; }
LIBC int setpriority(int which, id_t who, int priority) {
    if (!is_self(which, who)) return priority == 0 ? 0 : posix_fail(EPERM);
    if (priority < niceness) return posix_fail(EACCES);
    niceness = priority < NICEST ? priority : NICEST;
    return 0;
}
LIBC int nice(int more) {
    if (more < 0) return posix_fail(EPERM);
    setpriority(PRIO_PROCESS, 0, more < NICEST ? niceness + more : NICEST);
    return niceness;
}

static pid_t start_shell(const char *command, const posix_spawn_file_actions_t *files) {
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)"--", (char *)command, NULL};
    pid_t pid;
    int error = posix_spawn(&pid, _PATH_BSHELL, files, NULL, argv, environ);
    return error ? posix_fail(error) : pid;
}

LIBC int system(const char *command) {
    if (command == NULL) return access(_PATH_BSHELL, X_OK) == 0;
    pid_t pid = start_shell(command, NULL);
    if (pid < 0) return errno == ENOENT ? 127 << 8 : -1;
    struct sigaction ignored = {0}, interrupt, quit;
    ignored.sa_handler = SIG_IGN;
    sigaction(SIGINT, &ignored, &interrupt);
    sigaction(SIGQUIT, &ignored, &quit);
    sigset_t child = 1ULL << (SIGCHLD - 1), before;
    sigprocmask(SIG_BLOCK, &child, &before);
    int status, found;
    while ((found = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
    }
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return found < 0 ? -1 : status;
}

/* The commands that streams lead to. */
struct command {
    struct command *next;
    FILE *stream;
    pid_t pid;
};
static struct command *commands;

LIBC FILE *popen(const char *line, const char *mode) {
    int ends[2], theirs = *mode == 'r';
    if (*mode != 'r' && *mode != 'w') {
        posix_fail(EINVAL);
        return NULL;
    }
    struct command *command = malloc(sizeof *command);
    if (command == NULL || pipe2(ends, O_CLOEXEC)) {
        free(command);
        return NULL;
    }
    command->stream = fdopen(ends[!theirs], mode);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    int error = posix_spawn_file_actions_adddup2(&files, ends[theirs], theirs);
    command->pid = command->stream && error == 0 ? start_shell(line, &files) : -1;
    if (error == 0) error = errno;
    posix_spawn_file_actions_destroy(&files);
    close(ends[theirs]);
    if (command->pid < 0) {
        if (command->stream) fclose(command->stream);
        else close(ends[!theirs]);
        free(command);
        posix_fail(error);
        return NULL;
    }
    command->next = commands;
    commands = command;
    return command->stream;
}

LIBC int pclose(FILE *stream) {
    struct command **at = &commands, *command;
    while ((command = *at) != NULL && command->stream != stream) at = &command->next;
    if (command == NULL) return posix_fail(EBADF);
    pid_t pid = command->pid;
    *at = command->next;
    free(command);
    fclose(stream);
    int status, found;
    while ((found = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
    }
    return found < 0 ? -1 : status;
}
