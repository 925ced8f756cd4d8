/* What the tools share: processes as /proc tells them, the machine, and how mistakes are told. */
#ifndef TOOLS_H
#define TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Ticks of a second, in which /proc has times. */
#define HZ 100
#define PAGE_KB 64

enum { COMM = 15, MOST_ARGS = 4096 };

struct process {
    int pid, parent, group, session, terminal, foreground, priority, nice, threads;
    unsigned uid;
    char state;
    char comm[64];
    unsigned long long ticks, start, size_kb, resident_kb;
    /* In which it was last looked at: for how much it has computed since. */
    unsigned long long ticks_before;
    double cpu;
    int depth;
};

/* All processes, by pid; their number. The list is the caller's to free. */
int read_processes(struct process **list);
/* Its arguments with spaces between them, else its name in brackets. */
const char *arguments(const struct process *process, bool with_environment);
const char *terminal_name(int device);
int terminal_device(const char *name);
const char *user_name(unsigned uid);

double uptime_seconds(void);
long long boot_time(void);
/* A line of /proc/meminfo in kB. */
unsigned long long memory_kb(const char *name);
/* "up" and the load, as uptime and top begin. */
void print_uptime(void);
/* The whole of a small file, ended by NUL; how much of it there is, -1 without one. */
long read_text(const char *path, char *to, size_t size);

/* A signal by its name, with SIG or without, or its number; -1 for none. */
int signal_number(const char *text);

/* A pause of so many seconds, as poll(2) takes it: a day at most, none for what is no number. */
int milliseconds(double seconds);

extern const char *program;
void complain(const char *format, ...);

struct screen { int rows, columns; };
/* The terminal's size; columns are 0 where stdout is none. */
struct screen screen_size(void);

int main_clear(int, char **);
int main_free(int, char **);
int main_hostname(int, char **);
int main_pgrep(int, char **);
int main_pidof(int, char **);
int main_ps(int, char **);
int main_reset(int, char **);
int main_rg(int, char **);
int main_top(int, char **);
int main_uptime(int, char **);
int main_watch(int, char **);
int main_which(int, char **);

#endif
