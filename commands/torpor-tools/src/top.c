/* top: in batch mode as it is asked for, else on the terminal until `q`. */
#include "tools.h"

#include <ctype.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct {
    bool batch, lines, threads;
    double pause;
    long rounds;
    char by;
    int pids[32], pid_count;
} how = {.pause = 3, .rounds = -1, .by = 'P'};
static struct termios before;

static double rank(const struct process *process) {
    switch (how.by) {
        case 'M': return (double)process->resident_kb;
        case 'T': return (double)process->ticks;
        case 'N': return process->pid;
        default: return process->cpu;
    }
}
static int by_rank(const void *a, const void *b) {
    double first = rank(a), second = rank(b);
    if (first != second) return first < second ? 1 : -1;
    return ((const struct process *)a)->pid - ((const struct process *)b)->pid;
}

static bool is_shown(const struct process *process) {
    for (int each = 0; each < how.pid_count; each++)
        if (how.pids[each] == process->pid) return true;
    return !how.pid_count;
}

/* How much of a processor each has had since it was last looked at, at first since it began. */
static void measure(struct process *now, int count, const struct process *last, int last_count, double seconds) {
    for (int each = 0; each < count; each++) {
        double span = uptime_seconds() - (double)now[each].start / HZ;
        for (int other = 0; other < last_count; other++) {
            if (last[other].pid != now[each].pid) continue;
            now[each].ticks_before = last[other].ticks;
            span = seconds;
        }
        now[each].cpu = span > 0 ? (double)(now[each].ticks - now[each].ticks_before) / HZ / span * 100 : 0;
    }
}

static int rows_left, columns;

/* A line, as much of it as the screen has. */
static void print_line(const char *line, bool head) {
    if (!how.batch && rows_left-- <= 0) return;
    int most = columns ? columns : MOST_ARGS + 128;
    if (head && !how.batch) printf("\033[7m%-*.*s\033[m", columns, most, line);
    else printf("%.*s", most, line);
    fputs(how.batch ? "\n" : "\033[K\n", stdout);
}

static void print_summary(const struct process *all, int count, double busy) {
    char line[256];
    int running = 0, stopped = 0, zombie = 0;
    for (int each = 0; each < count; each++) {
        running += all[each].state == 'R';
        stopped += all[each].state == 'T';
        zombie += all[each].state == 'Z';
    }
    snprintf(line, sizeof line, "Tasks: %3d total, %3d running, %3d sleeping, %3d stopped, %3d zombie", count, running, count - running - stopped - zombie, stopped, zombie);
    print_line(line, false);
    if (busy > 100) busy = 100;
    snprintf(line, sizeof line, "%%Cpu(s): %4.1f us,  0.0 sy,  0.0 ni,%5.1f id,  0.0 wa,  0.0 hi,  0.0 si,  0.0 st ", busy, 100 - busy);
    print_line(line, false);
    double total = (double)memory_kb("MemTotal") / 1024, free = (double)memory_kb("MemFree") / 1024, available = (double)memory_kb("MemAvailable") / 1024;
    snprintf(line, sizeof line, "MiB Mem : %8.1f total, %8.1f free, %8.1f used, %8.1f buff/cache     ", total, free, total - available, available - free);
    print_line(line, false);
    snprintf(line, sizeof line, "MiB Swap: %8.1f total, %8.1f free, %8.1f used. %8.1f avail Mem ", 0.0, 0.0, 0.0, available);
    print_line(line, false);
    print_line("", false);
}

static void print_process(const struct process *process) {
    char line[MOST_ARGS + 128], size[3][16];
    const unsigned long long sizes[] = {process->size_kb, process->resident_kb, 0};
    for (int each = 0; each < 3; each++) {
        if (sizes[each] > 999999) snprintf(size[each], sizeof *size, "%.1fm", (double)sizes[each] / 1024);
        else snprintf(size[each], sizeof *size, "%llu", sizes[each]);
    }
    unsigned long long ticks = process->ticks, total = memory_kb("MemTotal");
    snprintf(line, sizeof line, "%7d %-8.8s %3d %3d %7s %6s %6s %c %5.1f %5.1f %3llu:%02llu.%02llu %s", process->pid, user_name(process->uid), process->priority,
             process->nice, size[0], size[1], size[2], process->state, process->cpu, total ? (double)process->resident_kb * 100 / (double)total : 0,
             ticks / HZ / 60, ticks / HZ % 60, ticks % HZ, how.lines ? arguments(process, false) : process->comm);
    print_line(line, false);
}

static void show(struct process *all, int count, double seconds) {
    static double cpu_before;
    char stat[256];
    double cpu = read_text("/proc/stat", stat, sizeof stat) > 0 ? strtod(stat + 4, NULL) / HZ : 0;
    double span = cpu_before > 0 || seconds > 0 ? seconds : uptime_seconds();
    struct screen screen = screen_size();
    rows_left = screen.rows - 1;
    columns = screen.columns;
    if (!how.batch) fputs("\033[H", stdout);
    rows_left -= !how.batch;
    printf("top - ");
    print_uptime();
    if (!how.batch) fputs("\033[A\033[999C\033[K\n", stdout);
    print_summary(all, count, span > 0 ? (cpu - cpu_before) / span * 100 : 0);
    cpu_before = cpu;
    print_line("    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND", true);
    qsort(all, (size_t)count, sizeof *all, by_rank);
    for (int each = 0; each < count; each++) print_process(all + each);
    if (!how.batch) fputs("\033[J", stdout);
    fflush(stdout);
}

static void leave(void) {
    tcsetattr(0, TCSADRAIN, &before);
    printf("\033[?25h\033[999;1H\n");
    fflush(stdout);
}
static void end(int signal) {
    (void)signal;
    exit(0);
}
static void resized(int signal) { (void)signal; }

/* Waits for a key or for the time to pass; whether to end. */
static bool ends(void) {
    struct pollfd keys = {.fd = 0, .events = POLLIN};
    char key;
    if (poll(&keys, !how.batch, milliseconds(how.pause)) <= 0) return false;
    if (read(0, &key, 1) <= 0 || key == 'q' || key == 'Q') return true;
    if (key == 'c') how.lines = !how.lines;
    if (key && strchr("PMTN", key)) how.by = key;
    return false;
}

static int fail(const char *what, const char *which) {
    fprintf(stderr, "top: %s '%s'\nUsage:\n  top -hv | -bc -d secs -n max -p pid -o fld\n", what, which);
    return 1;
}

int main_top(int argc, char **argv) {
    char *stop = "";
    for (int option; (option = getopt(argc, argv, "bcd:hin:o:p:vw::")) != -1;) {
        switch (option) {
            case 'b': how.batch = true; break;
            case 'c': how.lines = true; break;
            case 'i': case 'w': break;
            case 'd':
                how.pause = strtod(optarg, &stop);
                if (*stop || how.pause < 0) return fail("bad delay interval", optarg);
                break;
            case 'n':
                how.rounds = strtol(optarg, &stop, 10);
                if (*stop || how.rounds < 1) return fail("bad iterations argument", optarg);
                break;
            case 'o':
                how.by = !strcmp(optarg, "%MEM") || !strcmp(optarg, "RES") ? 'M' : !strcmp(optarg, "TIME+") || !strcmp(optarg, "TIME") ? 'T' : !strcmp(optarg, "PID") ? 'N' : !strcmp(optarg, "%CPU") ? 'P' : 0;
                if (!how.by) return fail("unrecognized field name", optarg);
                break;
            case 'p':
                for (char *rest = optarg, *word; (word = strsep(&rest, ","));) {
                    if (how.pid_count == 32 || !isdigit((unsigned char)*word)) return fail("bad pid", word);
                    how.pids[how.pid_count++] = atoi(word);
                }
                break;
            case 'h': case 'v': puts("top of Torpor\nUsage:\n  top -hv | -bc -d secs -n max -p pid -o fld"); return 0;
            default: return 1;
        }
    }
    if (!how.batch) {
        if (!isatty(1) || tcgetattr(0, &before)) return fputs("top: failed tty get\n", stderr), 1;
        struct termios raw = before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        atexit(leave);
        struct sigaction on_end = {.sa_handler = end}, on_resize = {.sa_handler = resized};
        sigaction(SIGINT, &on_end, NULL);
        sigaction(SIGTERM, &on_end, NULL);
        sigaction(SIGWINCH, &on_resize, NULL);
        tcsetattr(0, TCSADRAIN, &raw);
        printf("\033[?25l\033[H\033[2J");
    }
    struct process *last = NULL;
    int last_count = 0;
    double looked = 0;
    while (how.rounds) {
        struct process *all;
        int count = read_processes(&all), kept = 0;
        double now = uptime_seconds();
        measure(all, count, last, last_count, now - looked);
        for (int each = 0; each < count; each++)
            if (is_shown(all + each)) all[kept++] = all[each];
        show(all, kept, last ? now - looked : 0);
        free(last);
        last = all, last_count = kept, looked = now;
        if (how.rounds > 0 && !--how.rounds) break;
        if (ends()) break;
        if (how.batch) putchar('\n');
    }
    return 0;
}
