/* free, uptime, and what they and top tell of the machine. */
#include "tools.h"

#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double uptime_seconds(void) {
    char text[64];
    return read_text("/proc/uptime", text, sizeof text) > 0 ? strtod(text, NULL) : 0;
}

long long boot_time(void) {
    char text[2048], *at;
    if (read_text("/proc/stat", text, sizeof text) <= 0 || !(at = strstr(text, "\nbtime "))) return 0;
    return atoll(at + 7);
}

unsigned long long memory_kb(const char *name) {
    static char text[2048];
    size_t length = strlen(name);
    if (read_text("/proc/meminfo", text, sizeof text) <= 0) return 0;
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (!strncmp(line, name, length) && line[length] == ':') return strtoull(line + length + 1, NULL, 10);
    }
    return 0;
}

int milliseconds(double seconds) { return seconds > 86400 ? 86400000 : seconds > 0 ? (int)(seconds * 1000) : 0; }

/* uptime */

void print_uptime(void) {
    time_t now = time(NULL);
    char clock[16], load[64] = "";
    strftime(clock, sizeof clock, "%H:%M:%S", localtime(&now));
    long up = (long)uptime_seconds() / 60, days = up / (24 * 60), hours = up / 60 % 24;
    printf("%s up ", clock);
    if (days) printf("%ld day%s, ", days, days == 1 ? "" : "s");
    if (hours) printf("%2ld:%02ld, ", hours, up % 60);
    else printf("%ld min, ", up % 60);
    double one, five, fifteen;
    read_text("/proc/loadavg", load, sizeof load);
    if (sscanf(load, "%lf %lf %lf", &one, &five, &fifteen) == 3)
        printf(" 0 user,  load average: %.2f, %.2f, %.2f\n", one, five, fifteen);
}

static void print_part(bool *any, long count, const char *name) {
    if (!count) return;
    printf("%s %ld %s%s", *any ? "," : "", count, name, count == 1 ? "" : "s");
    *any = true;
}

static int print_pretty(void) {
    long up = (long)uptime_seconds() / 60, days = up / (24 * 60);
    bool any = false;
    printf("up");
    print_part(&any, days / 7, "week");
    print_part(&any, days % 7, "day");
    print_part(&any, up / 60 % 24, "hour");
    print_part(&any, up % 60, "minute");
    puts(any ? "" : " 0 minutes");
    return 0;
}

int main_uptime(int argc, char **argv) {
    static const struct option OPTIONS[] = {
        {"pretty", no_argument, NULL, 'p'}, {"since", no_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    static const char usage[] = "\nUsage:\n uptime [options]\n\nOptions:\n -p, --pretty   show uptime in pretty format\n"
                                " -h, --help     display this help and exit\n -s, --since    system up since\n"
                                " -V, --version  output version information and exit\n";
    char text[32];
    time_t since = (time_t)boot_time();
    switch (getopt_long(argc, argv, "phsV", OPTIONS, NULL)) {
        case 'p':
            return print_pretty();
        case 's':
            strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", localtime(&since));
            puts(text);
            return 0;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case 'V':
            puts("uptime of Torpor");
            return 0;
        case -1:
            break;
        default:
            fputs(usage, stderr);
            return 1;
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return 1;
    }
    putchar(' ');
    print_uptime();
    return 0;
}

/* free */

static struct { char unit; bool human, si; } scale = {.unit = 'k'};

/* A size as it is asked for: in a unit, or in the largest in which it has three digits. */
static const char *sized(unsigned long long kb) {
    static char text[32];
    static const char UNITS[] = "KMGTP";
    double base = scale.si ? 1000 : 1024, bytes = (double)kb * 1024;
    if (!scale.human) {
        if (scale.unit == 'b') snprintf(text, sizeof text, "%llu", kb * 1024);
        else {
            double unit = base;
            for (const char *each = "kmgtp"; *each && *each != scale.unit; each++) unit *= base;
            snprintf(text, sizeof text, "%llu", (unsigned long long)(bytes / unit));
        }
        return text;
    }
    if (snprintf(text, sizeof text, "%.0fB", bytes) <= (scale.si ? 4 : 5)) return text;
    for (const char *unit = UNITS; *unit; unit++) {
        bytes /= base;
        const char *mark = scale.si ? "" : "i";
        int most = scale.si ? 4 : 5;
        if (snprintf(text, sizeof text, "%.1f%c%s", bytes, *unit, mark) <= most) return text;
        if (snprintf(text, sizeof text, "%llu%c%s", (unsigned long long)bytes, *unit, mark) <= most) return text;
    }
    return text;
}

static void print_memory(bool wide, bool with_total) {
    unsigned long long total = memory_kb("MemTotal"), free = memory_kb("MemFree"), available = memory_kb("MemAvailable");
    unsigned long long buffers = memory_kb("Buffers"), cached = memory_kb("Cached") + memory_kb("SReclaimable");
    unsigned long long swap = memory_kb("SwapTotal"), swap_free = memory_kb("SwapFree"), used = total - available;
    if (wide) puts("               total        used        free      shared     buffers       cache   available");
    else puts("               total        used        free      shared  buff/cache   available");
    printf("Mem:    %12s", sized(total));
    printf(" %11s", sized(used));
    printf(" %11s", sized(free));
    printf(" %11s", sized(memory_kb("Shmem")));
    if (wide) printf(" %11s", sized(buffers));
    printf(" %11s", sized(wide ? cached : buffers + cached));
    printf(" %11s\n", sized(available));
    printf("Swap:   %12s", sized(swap));
    printf(" %11s", sized(swap - swap_free));
    printf(" %11s\n", sized(swap_free));
    if (!with_total) return;
    printf("Total:  %12s", sized(total + swap));
    printf(" %11s", sized(used + swap - swap_free));
    printf(" %11s\n", sized(free + swap_free));
}

int main_free(int argc, char **argv) {
    static const struct option OPTIONS[] = {
        {"bytes", no_argument, NULL, 'b'}, {"kibi", no_argument, NULL, 'k'}, {"mebi", no_argument, NULL, 'm'}, {"gibi", no_argument, NULL, 'g'},
        {"human", no_argument, NULL, 'h'}, {"si", no_argument, NULL, 1}, {"total", no_argument, NULL, 't'}, {"wide", no_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 's'}, {"count", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 2}, {"version", no_argument, NULL, 'V'}, {0}};
    static const char usage[] = "\nUsage:\n free [options]\n\nOptions:\n -b, --bytes   -k, --kibi   -m, --mebi   -g, --gibi   show output in that unit\n"
                                " -h, --human         show human-readable output\n     --si            use powers of 1000 not 1024\n"
                                " -t, --total         show total for RAM + swap\n -s N, --seconds N   repeat printing every N seconds\n"
                                " -c N, --count N     repeat printing N times, then exit\n -w, --wide          wide output\n\n"
                                "     --help     display this help and exit\n -V, --version  output version information and exit\n";
    double pause = 0;
    long count = 0;
    bool wide = false, with_total = false;
    for (int option; (option = getopt_long(argc, argv, "bkmghts:c:wV", OPTIONS, NULL)) != -1;) {
        char *end = NULL;
        switch (option) {
            case 'b': case 'k': case 'm': case 'g': scale.unit = (char)option; break;
            case 'h': scale.human = true; break;
            case 1: scale.si = true; break;
            case 't': with_total = true; break;
            case 'w': wide = true; break;
            case 's':
                pause = strtod(optarg, &end);
                if (*end || pause <= 0) return complain("seconds argument failed: '%s'", optarg), 1;
                break;
            case 'c':
                count = strtol(optarg, &end, 10);
                if (*end || count < 1) return complain("failed to parse count argument: '%s'", optarg), 1;
                break;
            case 2: fputs(usage, stdout); return 0;
            case 'V': puts("free of Torpor"); return 0;
            default: fputs(usage, stderr); return 1;
        }
    }
    if (count && !pause) pause = 1;
    for (long round = 0; print_memory(wide, with_total), pause > 0 && (!count || ++round < count);) {
        putchar('\n');
        fflush(stdout);
        poll(NULL, 0, milliseconds(pause));
    }
    return 0;
}
