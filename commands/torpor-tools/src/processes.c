/* Processes as /proc tells them. */
#include "tools.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_TERMINAL = 136 << 8, NAME = 32 };

long read_text(const char *path, char *to, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    size_t length = 0;
    ssize_t got;
    while (length < size - 1 && (got = read(fd, to + length, size - 1 - length)) > 0) length += (size_t)got;
    close(fd);
    to[length] = 0;
    return (long)length;
}

static bool read_process(struct process *to, const char *name) {
    char path[NAME + 16], text[1024];
    snprintf(path, sizeof path, "/proc/%s/stat", name);
    if (read_text(path, text, sizeof text) <= 0) return false;
    /* The name may have anything in it, also brackets. */
    char *begin = strchr(text, '('), *end = strrchr(text, ')');
    if (!begin || !end || end < begin) return false;
    *to = (struct process){.pid = atoi(text), .uid = getuid()};
    snprintf(to->comm, sizeof to->comm, "%.*s", (int)(end - begin - 1), begin + 1);
    for (char *each = to->comm; *each; each++)
        if (iscntrl((unsigned char)*each)) *each = '?';
    unsigned long long user, system, resident, size;
    int got = sscanf(end + 2, "%c %d %d %d %d %d %*u %*u %*u %*u %*u %llu %llu %*d %*d %d %d %d %*d %llu %llu %llu", &to->state, &to->parent,
                     &to->group, &to->session, &to->terminal, &to->foreground, &user, &system, &to->priority, &to->nice, &to->threads,
                     &to->start, &size, &resident);
    to->ticks = user + system;
    to->size_kb = size / 1024;
    to->resident_kb = resident * PAGE_KB;
    return got == 14;
}

static int by_pid(const void *a, const void *b) {
    return ((const struct process *)a)->pid - ((const struct process *)b)->pid;
}

int read_processes(struct process **list) {
    int count = 0, room = 64;
    *list = malloc((size_t)room * sizeof **list);
    DIR *all = opendir("/proc");
    if (!all || !*list) {
        fprintf(stderr, "error: /proc must be there\n");
        exit(1);
    }
    for (struct dirent *entry; (entry = readdir(all));) {
        if (!isdigit((unsigned char)entry->d_name[0]) || strlen(entry->d_name) >= NAME) continue;
        if (count == room && !(*list = realloc(*list, (size_t)(room *= 2) * sizeof **list))) exit(1);
        if (read_process(*list + count, entry->d_name)) count++;
    }
    closedir(all);
    qsort(*list, (size_t)count, sizeof **list, by_pid);
    return count;
}

static long add_words(const struct process *process, const char *file, char *to, size_t size) {
    char path[NAME + 16];
    snprintf(path, sizeof path, "/proc/%d/%s", process->pid, file);
    long length = read_text(path, to, size);
    while (length > 0 && !to[length - 1]) length--;
    for (long at = 0; at < length; at++)
        if (iscntrl((unsigned char)to[at])) to[at] = to[at] ? '?' : ' ';
    return length;
}

const char *arguments(const struct process *process, bool with_environment) {
    static char text[2 * MOST_ARGS];
    long length = process->state == 'Z' ? 0 : add_words(process, "cmdline", text, MOST_ARGS);
    if (length <= 0) {
        snprintf(text, sizeof text, process->state == 'Z' ? "[%s] <defunct>" : "[%s]", process->comm);
        return text;
    }
    if (with_environment) {
        long more = add_words(process, "environ", text + length + 1, MOST_ARGS);
        if (more > 0) text[length] = ' ', length += more + 1;
    }
    text[length] = 0;
    return text;
}

const char *terminal_name(int device) {
    static char name[NAME];
    if (!device) return "?";
    /* The number of a terminal is in two parts, as everywhere in /proc. */
    snprintf(name, sizeof name, "pts/%d", (device & 0xff) | (device >> 12 & ~0xff));
    return name;
}

int terminal_device(const char *name) {
    if (!strcmp(name, "?") || !strcmp(name, "-")) return 0;
    if (!strncmp(name, "/dev/", 5)) name += 5;
    if (!strncmp(name, "pts/", 4)) name += 4;
    char *end;
    long number = strtol(name, &end, 10);
    return *end || end == name ? -1 : (int)(FIRST_TERMINAL | (number & 0xff) | (number & ~0xffL) << 12);
}

const char *user_name(unsigned uid) {
    static char name[NAME];
    struct passwd *user = getpwuid(uid);
    if (user) return user->pw_name;
    snprintf(name, sizeof name, "%u", uid);
    return name;
}

struct screen screen_size(void) {
    struct winsize size;
    if (isatty(1) && !ioctl(1, TIOCGWINSZ, &size) && size.ws_col) return (struct screen){size.ws_row, size.ws_col};
    return (struct screen){24, isatty(1) ? 80 : 0};
}
