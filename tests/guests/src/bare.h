// What the programs that know only torpor:posix/sys share: no libc, the host's functions as they are, and lines of output.
#ifndef BARE_H
#define BARE_H

#include <stddef.h>
#include <stdint.h>

#define HOST(name) __attribute__((import_module("torpor:posix/sys@0.1.0"), import_name(name)))
HOST("start") int32_t sys_start(void *at);
HOST("arguments") int32_t sys_arguments(void *at, uint32_t size);
HOST("exit") void sys_exit(uint32_t status);
HOST("fork") int32_t sys_fork(uint32_t stack, uint32_t end);
HOST("exec") int32_t sys_exec(int32_t at, const void *path, uint32_t size, const void *argv, uint32_t argv_size, const void *envp, uint32_t envp_size);
HOST("spawn") int32_t sys_spawn(int32_t at, const void *path, uint32_t size, const void *argv, uint32_t argv_size, const void *envp, uint32_t envp_size, const void *actions, uint32_t count);
HOST("wait") int32_t sys_wait(int32_t pid, uint32_t options, void *to);
HOST("kill") int32_t sys_kill(int32_t pid, uint32_t signal);
HOST("pause") int32_t sys_pause(void);
HOST("id") int32_t sys_id(uint32_t which, int32_t pid);
HOST("set-group") int32_t sys_set_group(int32_t pid, int32_t group);
HOST("set-session") int32_t sys_set_session(void);
HOST("umask") int32_t sys_umask(uint32_t mask);
HOST("alarm") int64_t sys_alarm(int64_t first, int64_t interval);
HOST("usage") int32_t sys_usage(int32_t who, void *to);
HOST("open") int32_t sys_open(int32_t at, const void *path, uint32_t size, uint32_t how, uint32_t mode);
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
HOST("pipe") int32_t sys_pipe(void *to, uint32_t how);
HOST("poll") int32_t sys_poll(void *at, uint32_t count, int64_t timeout);
HOST("lock") int32_t sys_lock(int32_t fd, uint32_t what);
HOST("stat") int32_t sys_stat(int32_t at, const void *path, uint32_t size, uint32_t how, void *to);
HOST("list") int32_t sys_list(int32_t fd, void *to, uint32_t size);
HOST("make-directory") int32_t sys_make_directory(int32_t at, const void *path, uint32_t size, uint32_t mode);
HOST("remove") int32_t sys_remove(int32_t at, const void *path, uint32_t size, uint32_t how);
HOST("rename") int32_t sys_rename(int32_t at, const void *path, uint32_t size, int32_t to_at, const void *to, uint32_t to_size);
HOST("link") int32_t sys_link(int32_t at, const void *path, uint32_t size, int32_t to_at, const void *to, uint32_t to_size, uint32_t how);
HOST("make-symlink") int32_t sys_make_symlink(const void *target, uint32_t target_size, int32_t at, const void *path, uint32_t size);
HOST("read-link") int32_t sys_read_link(int32_t at, const void *path, uint32_t size, void *to, uint32_t room);
HOST("change-mode") int32_t sys_change_mode(int32_t at, const void *path, uint32_t size, uint32_t how, uint32_t mode);
HOST("set-times") int32_t sys_set_times(int32_t at, const void *path, uint32_t size, uint32_t how, int64_t atime, int64_t mtime);
HOST("access") int32_t sys_access(int32_t at, const void *path, uint32_t size, uint32_t mode);
HOST("change-directory") int32_t sys_change_directory(int32_t at, const void *path, uint32_t size);
HOST("working-directory") int32_t sys_working_directory(void *to, uint32_t room);
HOST("real-path") int32_t sys_real_path(int32_t at, const void *path, uint32_t size, void *to, uint32_t room);
HOST("window-size") int32_t sys_window_size(int32_t fd, void *to);
HOST("clock") int64_t sys_clock(uint32_t which);
HOST("random") int32_t sys_random(void *to, uint32_t size);

enum { HERE = -100, READ = 1, WRITE = 2, CREATE = 4, EXCLUSIVE = 8, TRUNCATE = 16, APPEND = 32, DIRECTORY = 64, NO_FOLLOW = 128, CLOEXEC = 256, NO_WAIT = 512 };
enum { IN = 1, OUT = 4, ERR = 8, HUP = 16, INVALID = 32 };
enum { SIGHUP = 1, SIGINT = 2, SIGKILL = 9, SIGPIPE = 13, SIGALRM = 14, SIGTERM = 15, SIGCHLD = 17, SIGCONT = 18, SIGSTOP = 19 };
enum { WNOHANG = 1, WUNTRACED = 2, WCONTINUED = 8 };

// A text and its size; of a list of strings "a\0b\0" with the last NUL, too.
#define T(text) text, sizeof(text) - 1
#define S(text) text, sizeof(text)

struct record { uint64_t pending, blocked; uint8_t actions[64]; };
struct ended { uint32_t status, zero; uint64_t cpu; };
struct attributes { uint64_t device, inode; uint32_t mode, links; int64_t size, atime, mtime, ctime; uint64_t blocks; };
struct polled { int32_t fd; uint16_t events, back; };
struct action { uint32_t kind; int32_t first, second; };

#define RUN __attribute__((export_name("wasi:cli/run@0.2.12#run")))
#define CHILD __attribute__((export_name("posix_child")))

extern char __heap_base;
#define FORK() sys_fork(0, (uint32_t)(uintptr_t)&__heap_base)

static inline uint32_t length(const char *text) {
    uint32_t size = 0;
    while (text[size]) size++;
    return size;
}

static inline void say(const char *text) { sys_write(1, text, length(text)); }

static inline void number(int64_t value) {
    char digits[24];
    uint32_t at = sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do digits[--at] = '0' + rest % 10; while (rest /= 10);
    if (value < 0) digits[--at] = '-';
    sys_write(1, digits + at, sizeof digits - at);
}

// A line: what was done, and its result.
static inline int64_t tell(const char *what, int64_t result) {
    say(what);
    say(": ");
    number(result);
    say("\n");
    return result;
}

void *memset(void *at, int value, size_t size) {
    for (size_t i = 0; i < size; i++) ((char *)at)[i] = (char)value;
    return at;
}

void *memcpy(void *to, const void *from, size_t size) {
    for (size_t i = 0; i < size; i++) ((char *)to)[i] = ((const char *)from)[i];
    return to;
}

#endif
