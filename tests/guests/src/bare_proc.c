// /proc as a process sees it that wants more than it is given. Its argument: the pid of a process of another command.
#include "bare.h"

static char path[128], text[4096], given[4096];
static struct ended ended;

// A path of these pieces; its size.
static uint32_t join(const char *first, const char *second, const char *third) {
    uint32_t size = 0;
    for (const char *from = first; *from; from++) path[size++] = *from;
    for (const char *from = second; *from; from++) path[size++] = *from;
    for (const char *from = third; *from; from++) path[size++] = *from;
    path[size] = 0;
    return size;
}

static const char *digits(int32_t value) {
    static char out[12];
    uint32_t at = sizeof out - 1;
    do out[--at] = '0' + value % 10; while (value /= 10);
    return out + at;
}

static int32_t open_of(const char *who, const char *what, uint32_t how) { return sys_open(HERE, path, join("/proc/", who, what), how, 0); }

// The state that an open stat tells of a process.
static int32_t state(int32_t fd) {
    sys_seek(fd, 0, 0);
    int32_t size = sys_read(fd, text, sizeof text);
    if (size <= 0) return size;
    int32_t at = size;
    while (at > 0 && text[at - 1] != ')') at--;
    return text[at + 1];
}

static void another(const char *other) {
    int32_t fd = open_of(other, "/stat", READ);
    tell("stat of another is read", state(fd) > 0);
    sys_close(fd);
    fd = open_of(other, "/cmdline", READ);
    tell("cmdline", sys_read(fd, text, sizeof text) > 0);
    sys_close(fd);
    tell("environ", open_of(other, "/environ", READ));
    tell("its own environ", open_of("self", "/environ", READ) > 0);
    tell("fd", open_of(other, "/fd", READ));
    tell("fd/0", sys_read_link(HERE, path, join("/proc/", other, "/fd/0"), text, sizeof text));
    tell("cwd", sys_read_link(HERE, path, join("/proc/", other, "/cwd"), text, sizeof text));
    tell("below cwd", open_of(other, "/cwd/etc", READ));
    tell("exe", sys_read_link(HERE, path, join("/proc/", other, "/exe"), text, sizeof text));
}

static void changes(void) {
    tell("write", open_of("self", "/comm", WRITE));
    tell("truncate", open_of("self", "/comm", READ | TRUNCATE));
    tell("create", open_of("self", "/new", WRITE | CREATE));
    tell("create beside", open_of("new", "", WRITE | CREATE));
    tell("make a directory", sys_make_directory(HERE, T("/proc/new"), 0777));
    tell("make another /proc", sys_make_directory(HERE, T("/proc"), 0777));
    tell("remove", sys_remove(HERE, T("/proc/self/stat"), 0));
    tell("remove it all", sys_remove(HERE, T("/proc"), DIRECTORY));
    tell("rename", sys_rename(HERE, T("/proc/self"), HERE, T("/proc/me")));
    tell("rename out of it", sys_rename(HERE, T("/proc/version"), HERE, T("/version")));
    tell("link", sys_link(HERE, T("/proc/version"), HERE, T("/version"), 0));
    tell("change the mode", sys_change_mode(HERE, T("/proc/self/environ"), 0, 0777));
    tell("set times", sys_set_times(HERE, T("/proc/version"), 0, 1, 1));
    tell("execute", sys_exec(HERE, T("/proc/version"), "", 0, "", 0));
}

static void ends(void) {
    int32_t child = FORK();
    int32_t fd = open_of(digits(child), "/stat", READ), folder = open_of(digits(child), "", READ | DIRECTORY);
    tell("a child", state(fd) == 'R' || state(fd) == 'S');
    sys_kill(child, SIGSTOP);
    tell("stopped", state(fd) == 'T');
    sys_kill(child, SIGKILL);
    while (state(fd) > 0 && state(fd) != 'Z') sys_poll(0, 0, 1000000);
    tell("ended", state(fd));
    tell("where it is", sys_read_link(folder, T("cwd"), text, sizeof text));
    sys_wait(child, 0, &ended);
    tell("waited for", state(fd));
    tell("its directory", sys_list(folder, text, sizeof text));
    tell("a path", open_of(digits(child), "/stat", READ));
    tell("a path from there", sys_open(folder, T("stat"), READ, 0));
    tell("above", sys_stat(folder, T("../version"), 0, text));
}

// Children that end at any moment, while all of /proc is read.
static void race(void) {
    int32_t strange = 0, seen = 0;
    for (int round = 0; round < 20; round++) {
        for (int each = 0; each < 4; each++) FORK();
        int32_t all = sys_open(HERE, T("/proc"), READ | DIRECTORY, 0), size;
        while ((size = sys_list(all, given, sizeof given)) > 0) {
            for (int32_t at = 0; at < size; at += *(uint16_t *)(given + at + 8)) {
                const char *name = given + at + 11;
                if (*name < '0' || *name > '9') continue;
                seen++;
                static const char *const files[] = {"/stat", "/status", "/cmdline", "/environ", "/fd/0", "/cwd/.."};
                for (unsigned file = 0; file < sizeof files / sizeof *files; file++) {
                    int32_t fd = open_of(name, files[file], READ);
                    if (fd < 0 ? fd != -44 && fd != -2 : (sys_read(fd, text, sizeof text), sys_close(fd))) strange++;
                }
            }
        }
        sys_close(all);
        while (sys_wait(-1, round % 2 ? WNOHANG : 0, &ended) > 0) {}
    }
    tell("seen", seen > 0);
    tell("strange", strange);
}

static void many(void) {
    int32_t count = 0, fd;
    while ((fd = open_of("self", "/status", READ)) >= 0) count++;
    tell("opened", count > 1000);
    tell("no more", fd);
    tell("the first is read", sys_pread(10, text, sizeof text, 0) > 0);
}

RUN int run(void) {
    sys_arguments(given, sizeof given);
    const char *other = given + 8;
    while (*other++) {}
    another(other);
    changes();
    ends();
    race();
    many();
    sys_exit(0);
    return 0;
}

CHILD int posix_child(void) {
    // The first one stays until it is killed.
    if (ended.status == 0 && ended.cpu == 0) sys_pause();
    sys_exit(1);
    return 0;
}
