/* The host's functions, torpor:posix/sys, and what the files of this library share. No program includes this. */
#ifndef TORPOR_SYS_H
#define TORPOR_SYS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* A function of libc. Weak, so that a program's own function of that name takes its place, as it would with an archive that has
   one function an object. */
#define LIBC __attribute__((weak))

#define HOST(name) __attribute__((import_module("torpor:posix/sys@0.1.0"), import_name(name)))

HOST("start") int32_t sys_start(void *record);
HOST("arguments") int32_t sys_arguments(void *at, uint32_t size);
HOST("exit") void sys_exit(uint32_t status);
HOST("fork") int32_t sys_fork(uintptr_t stack, uintptr_t end);
HOST("enter-child") int32_t sys_enter_child(void);
HOST("leave-child") int32_t sys_leave_child(uint32_t status);
HOST("exec") int32_t sys_exec(int32_t at, const char *path, uint32_t path_size, const char *argv, uint32_t argv_size,
                              const char *envp, uint32_t envp_size);
HOST("spawn") int32_t sys_spawn(int32_t at, const char *path, uint32_t path_size, const char *argv, uint32_t argv_size,
                                const char *envp, uint32_t envp_size, const void *actions, uint32_t count);
HOST("wait") int32_t sys_wait(int32_t pid, uint32_t options, void *to);
HOST("kill") int32_t sys_kill(int32_t pid, uint32_t signal);
HOST("pause") int32_t sys_pause(void);
HOST("id") int32_t sys_id(uint32_t which, int32_t pid);
HOST("set-group") int32_t sys_set_group(int32_t pid, int32_t group);
HOST("set-session") int32_t sys_set_session(void);
HOST("umask") int32_t sys_umask(uint32_t mask);
HOST("alarm") int64_t sys_alarm(int64_t first, int64_t interval);
HOST("usage") int32_t sys_usage(int32_t who, void *to);

HOST("open") int32_t sys_open(int32_t at, const char *path, uint32_t size, uint32_t how, uint32_t mode);
HOST("close") int32_t sys_close(int32_t fd);
HOST("read") int32_t sys_read(int32_t fd, void *to, uint32_t size);
HOST("write") int32_t sys_write(int32_t fd, const void *at, uint32_t size);
HOST("readv") int32_t sys_readv(int32_t fd, const void *pairs, uint32_t count);
HOST("writev") int32_t sys_writev(int32_t fd, const void *pairs, uint32_t count);
HOST("pread") int32_t sys_pread(int32_t fd, void *to, uint32_t size, int64_t offset);
HOST("pwrite") int32_t sys_pwrite(int32_t fd, const void *at, uint32_t size, int64_t offset);
HOST("seek") int64_t sys_seek(int32_t fd, int64_t offset, uint32_t whence);
HOST("truncate") int32_t sys_truncate(int32_t fd, int64_t size);
HOST("sync") int32_t sys_sync(int32_t fd);
HOST("dup") int32_t sys_dup(int32_t fd, int32_t least, uint32_t how);
HOST("dup2") int32_t sys_dup2(int32_t fd, int32_t to, uint32_t how);
HOST("control") int32_t sys_control(int32_t fd, uint32_t what, uint32_t value);
HOST("pipe") int32_t sys_pipe(int32_t *to, uint32_t how);
HOST("poll") int32_t sys_poll(void *at, uint32_t count, int64_t timeout);
HOST("lock") int32_t sys_lock(int32_t fd, uint32_t what);

HOST("stat") int32_t sys_stat(int32_t at, const char *path, uint32_t size, uint32_t how, void *to);
HOST("list") int32_t sys_list(int32_t fd, void *to, uint32_t size);
HOST("make-directory") int32_t sys_make_directory(int32_t at, const char *path, uint32_t size, uint32_t mode);
HOST("remove") int32_t sys_remove(int32_t at, const char *path, uint32_t size, uint32_t how);
HOST("rename") int32_t sys_rename(int32_t at, const char *path, uint32_t size, int32_t to_at, const char *to_path,
                                  uint32_t to_size);
HOST("link") int32_t sys_link(int32_t at, const char *path, uint32_t size, int32_t to_at, const char *to_path, uint32_t to_size,
                              uint32_t how);
HOST("make-symlink") int32_t sys_make_symlink(const char *target, uint32_t target_size, int32_t at, const char *path,
                                              uint32_t size);
HOST("read-link") int32_t sys_read_link(int32_t at, const char *path, uint32_t path_size, void *to, uint32_t size);
HOST("change-mode") int32_t sys_change_mode(int32_t at, const char *path, uint32_t size, uint32_t how, uint32_t mode);
HOST("set-times") int32_t sys_set_times(int32_t at, const char *path, uint32_t size, uint32_t how, int64_t atime, int64_t mtime);
HOST("access") int32_t sys_access(int32_t at, const char *path, uint32_t size, uint32_t mode);
HOST("change-directory") int32_t sys_change_directory(int32_t at, const char *path, uint32_t size);
HOST("working-directory") int32_t sys_working_directory(void *to, uint32_t size);
HOST("real-path") int32_t sys_real_path(int32_t at, const char *path, uint32_t path_size, void *to, uint32_t size);

HOST("get-terminal") int32_t sys_get_terminal(int32_t fd, void *to);
HOST("set-terminal") int32_t sys_set_terminal(int32_t fd, uint32_t when, const void *at);
HOST("window-size") int32_t sys_window_size(int32_t fd, void *to);
HOST("set-window-size") int32_t sys_set_window_size(int32_t fd, uint32_t rows, uint32_t columns);
HOST("get-foreground") int32_t sys_get_foreground(int32_t fd);
HOST("set-foreground") int32_t sys_set_foreground(int32_t fd, int32_t group);

HOST("clock") int64_t sys_clock(uint32_t which);
HOST("random") int32_t sys_random(void *to, uint32_t size);

/* bits of `how` */
enum {
    HOW_READ = 1, HOW_WRITE = 2, HOW_CREATE = 4, HOW_EXCLUSIVE = 8, HOW_TRUNCATE = 16, HOW_APPEND = 32, HOW_DIRECTORY = 64,
    HOW_NOFOLLOW = 128, HOW_CLOEXEC = 256, HOW_NONBLOCK = 512
};
enum { GET_FD_FLAGS, SET_FD_FLAGS, GET_FILE_FLAGS, SET_FILE_FLAGS, GET_READABLE };
enum { CLOCK_WALL, CLOCK_STEADY, CLOCK_CPU };
enum { ID_PROCESS, ID_PARENT, ID_GROUP, ID_SESSION };

#define NANOSECONDS 1000000000LL
/* The host's number for the working directory; libc's own objects have -2 for it, and so has <fcntl.h>. */
#define HOST_CWD (-100)

static inline int32_t host_at(int fd) { return fd == -2 ? HOST_CWD : fd; }

/* The one user and group of a VM. */
#define OWN_ID 1000

/* start.c */
extern char **posix_arguments;
extern int posix_argument_count;

/* signals.c: the record that the host shares */
struct posix_record {
    volatile uint64_t pending;
    uint64_t blocked;
    uint8_t actions[64];
};
extern struct posix_record posix_record;

void posix_signals_start(void);
/* Runs the handlers of what has come and is not blocked. True if one ran, and all that ran ask for calls to be started again. */
bool posix_deliver(void);

static inline bool posix_signal_waits(void) { return (posix_record.pending & ~posix_record.blocked) != 0; }

/* Of a host call: sets errno from a negative result, which becomes -1. Signals that came meanwhile are handled first. */
static inline int64_t posix_result(int64_t result) {
    if (posix_signal_waits()) posix_deliver();
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

/* A host call that waits, and is made again after a handler of SA_RESTART. */
#define POSIX_RESTARTED(call)                                          \
    ({                                                                 \
        int64_t result_;                                               \
        do result_ = (call);                                           \
        while (posix_signal_waits() && posix_deliver() && result_ == -EINTR); \
        posix_result(result_);                                         \
    })

static inline int posix_fail(int error) {
    errno = error;
    return -1;
}

#endif
