/* The columns of ps. */
#include "columns.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool with_environment, only_indented;
static char text[2 * MOST_ARGS + 64];

static const char *format(const char *how, ...) {
    va_list arguments;
    va_start(arguments, how);
    vsnprintf(text, sizeof text, how, arguments);
    va_end(arguments);
    return text;
}

static double elapsed(const struct process *process) {
    double seconds = uptime_seconds() - (double)process->start / HZ;
    return seconds > 0 ? seconds : 0;
}

long long cpu_share(const struct process *process) {
    double seconds = elapsed(process);
    return seconds > 0 ? (long long)((double)process->ticks / HZ / seconds * 10000) : 0;
}
long long memory_share(const struct process *process) {
    unsigned long long total = memory_kb("MemTotal");
    return total ? (long long)(process->resident_kb * 10000 / total) : 0;
}

#define NUMBER(name, value) \
    static long long key_##name(const struct process *process) { return (long long)(value); } \
    static const char *text_##name(const struct process *process) { return format("%lld", key_##name(process)); }
NUMBER(pid, process->pid)
NUMBER(parent, process->parent)
NUMBER(group, process->group)
NUMBER(session, process->session)
NUMBER(foreground, process->terminal ? process->foreground : -1)
NUMBER(uid, process->uid)
NUMBER(nice, process->nice)
NUMBER(pri, 39 - process->priority)
NUMBER(priority, process->priority)
NUMBER(long_priority, process->priority + 60)
NUMBER(threads, process->threads)
NUMBER(resident, process->resident_kb)
NUMBER(size, process->size_kb)
NUMBER(pages, process->size_kb / PAGE_KB)
NUMBER(zero, 0 * process->pid)
NUMBER(cpu_hundreds, cpu_share(process) / 100 > 99 ? 99 : cpu_share(process) / 100)
NUMBER(etimes, elapsed(process))
NUMBER(seconds, process->ticks / HZ)

static const char *tenths(long long hundredths) { return format("%lld.%lld", hundredths / 100, hundredths / 10 % 10); }
static const char *text_cpu(const struct process *process) { return tenths(cpu_share(process)); }
static const char *text_memory(const struct process *process) { return tenths(memory_share(process)); }
static const char *text_user(const struct process *process) { return format("%s", user_name(process->uid)); }
static const char *text_terminal(const struct process *process) { return format("%s", terminal_name(process->terminal)); }
static const char *text_state(const struct process *process) { return format("%c", process->state); }
static const char *text_stat(const struct process *process) {
    return format("%c%s%s%s", process->state, process->nice < 0 ? "<" : process->nice > 0 ? "N" : "", process->session == process->pid ? "s" : "",
                  process->terminal && process->foreground == process->group ? "+" : "");
}
static const char *in_tree(const struct process *process, const char *words) {
    if (only_indented || !process->depth) return format("%*s%s", 2 * process->depth, "", words);
    return format("%*s\\_ %s", 4 * process->depth - 3, "", words);
}
static const char *text_comm(const struct process *process) {
    char name[COMM + sizeof " <defunct>"];
    snprintf(name, sizeof name, process->state == 'Z' ? "%.*s <defunct>" : "%.*s", COMM, process->comm);
    return in_tree(process, name);
}
static const char *text_args(const struct process *process) { return in_tree(process, arguments(process, with_environment)); }
static const char *text_none(const struct process *process) {
    (void)process;
    return "-";
}

/* Spans of time, and points in it. */

static const char *text_time(const struct process *process) {
    long long seconds = (long long)process->ticks / HZ, days = seconds / 86400;
    return format(days ? "%4$lld-%1$02lld:%2$02lld:%3$02lld" : "%1$02lld:%2$02lld:%3$02lld", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60, days);
}
static const char *text_short_time(const struct process *process) {
    long long seconds = (long long)process->ticks / HZ;
    return format("%lld:%02lld", seconds / 60, seconds % 60);
}
static const char *text_elapsed(const struct process *process) {
    long long seconds = key_etimes(process), days = seconds / 86400, hours = seconds / 3600 % 24;
    char before[32] = "";
    if (days) snprintf(before, sizeof before, "%lld-%02lld:", days, hours);
    else if (hours) snprintf(before, sizeof before, "%02lld:", hours);
    return format("%s%02lld:%02lld", before, seconds / 60 % 60, seconds % 60);
}
static long long key_start(const struct process *process) { return (long long)process->start; }
static const char *started(const struct process *process, const char *today, const char *this_year, const char *before) {
    time_t now = time(NULL), at = (time_t)boot_time() + (time_t)(process->start / HZ);
    struct tm of_now = *localtime(&now), of_start = *localtime(&at);
    const char *how = of_now.tm_year != of_start.tm_year ? before : of_now.tm_yday != of_start.tm_yday ? this_year : today;
    strftime(text, sizeof text, how, &of_start);
    return text;
}
static const char *text_stime(const struct process *process) { return started(process, "%H:%M", "%b%d", "%Y"); }
static const char *text_start(const struct process *process) { return started(process, "%H:%M:%S", "  %b %d", "    %Y"); }
static const char *text_lstart(const struct process *process) {
    return started(process, "%a %b %e %H:%M:%S %Y", "%a %b %e %H:%M:%S %Y", "%a %b %e %H:%M:%S %Y");
}

static const struct column COLUMNS[] = {
    {"%cpu", "%CPU", 4, false, text_cpu, cpu_share},
    {"%mem", "%MEM", 4, false, text_memory, memory_share},
    {"addr", "ADDR", 4, true, text_none, NULL},
    {"args", "COMMAND", 27, true, text_args, NULL},
    {"bsdtime", "TIME", 6, false, text_short_time, key_seconds},
    {"c", "C", 2, false, text_cpu_hundreds, key_cpu_hundreds},
    {"cmd", "CMD", 27, true, text_args, NULL},
    {"comm", "COMMAND", 15, true, text_comm, NULL},
    {"command", "COMMAND", 27, true, text_args, NULL},
    {"cputime", "TIME", 8, false, text_time, key_seconds},
    {"egid", "EGID", 5, false, text_uid, key_uid},
    {"egroup", "EGROUP", 8, true, text_user, NULL},
    {"etime", "ELAPSED", 11, false, text_elapsed, key_etimes},
    {"etimes", "ELAPSED", 7, false, text_etimes, key_etimes},
    {"euid", "EUID", 5, false, text_uid, key_uid},
    {"euser", "EUSER", 8, true, text_user, NULL},
    {"f", "F", 1, false, text_zero, key_zero},
    {"fname", "COMMAND", 8, true, text_comm, NULL},
    {"gid", "GID", 5, false, text_uid, key_uid},
    {"group", "GROUP", 8, true, text_user, NULL},
    {"lstart", "STARTED", 24, false, text_lstart, key_start},
    {"ni", "NI", 3, false, text_nice, key_nice},
    {"nice", "NI", 3, false, text_nice, key_nice},
    {"nlwp", "NLWP", 4, false, text_threads, key_threads},
    {"pcpu", "%CPU", 4, false, text_cpu, cpu_share},
    {"pgid", "PGID", 7, false, text_group, key_group},
    {"pgrp", "PGRP", 7, false, text_group, key_group},
    {"pid", "PID", 7, false, text_pid, key_pid},
    {"pmem", "%MEM", 4, false, text_memory, memory_share},
    {"ppid", "PPID", 7, false, text_parent, key_parent},
    {"pri", "PRI", 3, false, text_pri, key_pri},
    {"pri_l", "PRI", 3, false, text_long_priority, key_long_priority},
    {"priority", "PRI", 3, false, text_priority, key_priority},
    {"psr", "PSR", 3, false, text_zero, key_zero},
    {"rss", "RSS", 5, false, text_resident, key_resident},
    {"ruid", "RUID", 5, false, text_uid, key_uid},
    {"ruser", "RUSER", 8, true, text_user, NULL},
    {"s", "S", 1, true, text_state, NULL},
    {"sess", "SESS", 7, false, text_session, key_session},
    {"sid", "SID", 7, false, text_session, key_session},
    {"start", "STARTED", 8, false, text_start, key_start},
    {"start_time", "START", 5, false, text_stime, key_start},
    {"stat", "STAT", 4, true, text_stat, NULL},
    {"state", "S", 1, true, text_state, NULL},
    {"stime", "STIME", 5, false, text_stime, key_start},
    {"sz", "SZ", 5, false, text_pages, key_pages},
    {"time", "TIME", 8, false, text_time, key_seconds},
    {"tname", "TTY", 8, true, text_terminal, NULL},
    {"tpgid", "TPGID", 7, false, text_foreground, key_foreground},
    {"tt", "TT", 8, true, text_terminal, NULL},
    {"tty", "TT", 8, true, text_terminal, NULL},
    {"ucmd", "CMD", 15, true, text_comm, NULL},
    {"uid", "UID", 5, false, text_uid, key_uid},
    {"uname", "USER", 8, true, text_user, NULL},
    {"user", "USER", 8, true, text_user, NULL},
    {"vsize", "VSZ", 6, false, text_size, key_size},
    {"vsz", "VSZ", 6, false, text_size, key_size},
    {"wchan", "WCHAN", 6, true, text_none, NULL},
};

const struct column *find_column(const char *name, size_t length) {
    for (size_t each = 0; each < sizeof COLUMNS / sizeof *COLUMNS; each++)
        if (strlen(COLUMNS[each].name) == length && !strncmp(COLUMNS[each].name, name, length)) return COLUMNS + each;
    return NULL;
}

int compare_column(const struct column *column, const struct process *a, const struct process *b) {
    if (column->key) {
        long long first = column->key(a), second = column->key(b);
        return (first > second) - (first < second);
    }
    char *first = strdup(column->text(a));
    int order = strcmp(first ? first : "", column->text(b));
    free(first);
    return order;
}
