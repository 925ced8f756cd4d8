/* pgrep, pkill and pidof: processes by their names. */
#include "tools.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const SIGNALS[] = {"",     "HUP",  "INT",    "QUIT", "ILL",  "TRAP", "ABRT", "BUS", "FPE",  "KILL", "USR1",
                                      "SEGV", "USR2", "PIPE",   "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN",
                                      "TTOU", "URG",  "XCPU",   "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR",  "SYS"};
enum { LAST = sizeof SIGNALS / sizeof *SIGNALS - 1 };

int signal_number(const char *text) {
    if (isdigit((unsigned char)*text)) {
        char *end;
        long number = strtol(text, &end, 10);
        return *end || number > LAST ? -1 : (int)number;
    }
    if (!strncasecmp(text, "SIG", 3)) text += 3;
    for (int number = 1; number <= LAST; number++)
        if (!strcasecmp(text, SIGNALS[number])) return number;
    return -1;
}

enum { MOST_NUMBERS = 256 };
struct numbers { long long all[MOST_NUMBERS]; int count; };

static struct {
    struct numbers parents, groups, sessions, users, terminals;
    const char *states, *between;
    bool full, exact, negated, ignores_case, lists_names, lists_all, counts, newest, oldest, tells;
    double older;
    regex_t pattern;
    bool has_pattern;
} wanted = {.between = "\n"};

static const char USAGE[] = "\nUsage:\n %s [options] <pattern>\n\nOptions:\n%s"
                            " -c, --count               count of matching processes\n -f, --full                use full process name to match\n"
                            " -g, --pgroup <PGID,...>   match listed process group IDs\n -i, --ignore-case         match case insensitively\n"
                            " -n, --newest              select most recently started\n -o, --oldest              select least recently started\n"
                            " -O, --older <seconds>     select where older than seconds\n -P, --parent <PPID,...>   match only child processes of the given parent\n"
                            " -s, --session <SID,...>   match session IDs\n -t, --terminal <tty,...>  match by controlling terminal\n"
                            " -u, --euid <ID,...>       match by effective IDs\n -U, --uid <ID,...>        match by real IDs\n"
                            " -x, --exact               match exactly with the command name\n -r, --runstates <state>   match runstates [D,S,Z,...]\n\n"
                            " -h, --help     display this help and exit\n -V, --version  output version information and exit\n\nFor more details see pgrep(1).\n";
static const char PGREP[] = " -d, --delimiter <string>  specify output delimiter\n -l, --list-name           list PID and process name\n"
                            " -v, --inverse             negates the matching\n -a, --list-full           list PID and full command line\n";
static const char PKILL[] = " -<sig>, --signal <sig>    signal to send (either number or name)\n -e, --echo                display what is killed\n";

static int try_help(const char *what) {
    complain("%s", what);
    fprintf(stderr, "Try `%s --help' for more information.\n", program);
    return 2;
}

static bool read_numbers(struct numbers *to, const char *list, char kind) {
    char *copy = strdup(list), *rest = copy;
    for (char *word; (word = strsep(&rest, ","));) {
        char *end = "";
        long long number;
        struct passwd *user;
        if (kind == 't') number = terminal_device(word);
        else if (kind == 'u' && (user = getpwnam(word))) number = user->pw_uid;
        else {
            number = strtoll(word, &end, 10);
            if (!number && kind == 'g') number = getpgrp();
            if (!number && kind == 's') number = getsid(0);
        }
        if (!*word || *end || number < 0 || to->count == MOST_NUMBERS) {
            complain(kind == 'u' ? "invalid user name: %s" : "not a number: %s", word);
            return false;
        }
        to->all[to->count++] = number;
    }
    free(copy);
    return true;
}

static bool is_among(const struct numbers *numbers, long long number) {
    for (int each = 0; each < numbers->count; each++)
        if (numbers->all[each] == number) return true;
    return !numbers->count;
}

static bool is_wanted(const struct process *process) {
    bool found = is_among(&wanted.parents, process->parent) && is_among(&wanted.groups, process->group) && is_among(&wanted.sessions, process->session) &&
                 is_among(&wanted.users, process->uid) && is_among(&wanted.terminals, process->terminal) &&
                 (!wanted.states || strchr(wanted.states, process->state)) &&
                 uptime_seconds() - (double)process->start / HZ >= wanted.older;
    if (found && wanted.has_pattern)
        found = !regexec(&wanted.pattern, wanted.full && process->state != 'Z' ? arguments(process, false) : process->comm, 0, NULL, 0);
    return found != wanted.negated;
}

static int read_pattern(const char *pattern) {
    char *whole = NULL;
    if (!wanted.full && !strpbrk(pattern, "|") && strlen(pattern) > COMM) {
        complain("pattern that searches for process name longer than 15 characters will result in zero matches");
        fprintf(stderr, "Try `%s -f' option to match against the complete command line.\n", program);
        return 1;
    }
    if (wanted.exact && asprintf(&whole, "^(%s)$", pattern) < 0) return 3;
    int error = regcomp(&wanted.pattern, whole ? whole : pattern, REG_EXTENDED | REG_NOSUB | (wanted.ignores_case ? REG_ICASE : 0));
    free(whole);
    if (error) {
        char message[128];
        regerror(error, &wanted.pattern, message, sizeof message);
        complain("%s", message);
        return 2;
    }
    wanted.has_pattern = true;
    return 0;
}

static bool act(const struct process *process, int signal) {
    if (kill(process->pid, signal)) {
        if (errno != ESRCH) complain("killing pid %d failed: %s", process->pid, strerror(errno));
        return false;
    }
    if (wanted.tells) printf("%s killed (pid %d)\n", process->comm, process->pid);
    return true;
}

/* Takes `-TERM` and the like away, which no getopt knows; the signal. */
static int take_signal(int *argc, char **argv) {
    for (int at = 1; at < *argc; at++) {
        int number = argv[at][0] == '-' && argv[at][1] && argv[at][1] != '-' ? signal_number(argv[at] + 1) : -1;
        if (number < 0) continue;
        for (--*argc; at < *argc; at++) argv[at] = argv[at + 1];
        argv[*argc] = NULL;
        return number;
    }
    return SIGTERM;
}

int main_pgrep(int argc, char **argv) {
    static const struct option OPTIONS[] = {
        {"count", no_argument, NULL, 'c'}, {"full", no_argument, NULL, 'f'}, {"pgroup", required_argument, NULL, 'g'}, {"ignore-case", no_argument, NULL, 'i'},
        {"newest", no_argument, NULL, 'n'}, {"oldest", no_argument, NULL, 'o'}, {"older", required_argument, NULL, 'O'}, {"parent", required_argument, NULL, 'P'},
        {"session", required_argument, NULL, 's'}, {"terminal", required_argument, NULL, 't'}, {"euid", required_argument, NULL, 'u'}, {"uid", required_argument, NULL, 'U'},
        {"exact", no_argument, NULL, 'x'}, {"runstates", required_argument, NULL, 'r'}, {"delimiter", required_argument, NULL, 'd'}, {"list-name", no_argument, NULL, 'l'},
        {"list-full", no_argument, NULL, 'a'}, {"inverse", no_argument, NULL, 'v'}, {"echo", no_argument, NULL, 'e'}, {"signal", required_argument, NULL, 1},
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    bool kills = !strcmp(program, "pkill"), criteria = false;
    int signal = kills ? take_signal(&argc, argv) : 0;
    const char *letters = kills ? "cfg:inoO:P:s:t:u:U:xr:ehV" : "cfg:inoO:P:s:t:u:U:xr:d:lavhV";
    for (int option; (option = getopt_long(argc, argv, letters, OPTIONS, NULL)) != -1;) {
        bool good = true;
        switch (option) {
            case 'c': wanted.counts = true; continue;
            case 'f': wanted.full = true; continue;
            case 'i': wanted.ignores_case = true; continue;
            case 'x': wanted.exact = true; continue;
            case 'd': wanted.between = optarg; continue;
            case 'l': wanted.lists_names = true; continue;
            case 'a': wanted.lists_all = true; continue;
            case 'v': wanted.negated = true; continue;
            case 'e': wanted.tells = true; continue;
            case 'n': wanted.newest = true; break;
            case 'o': wanted.oldest = true; break;
            case 'O': wanted.older = strtod(optarg, NULL); break;
            case 'r': wanted.states = optarg; break;
            case 'g': good = read_numbers(&wanted.groups, optarg, 'g'); break;
            case 'P': good = read_numbers(&wanted.parents, optarg, 'P'); break;
            case 's': good = read_numbers(&wanted.sessions, optarg, 's'); break;
            case 't': good = read_numbers(&wanted.terminals, optarg, 't'); break;
            case 'u': case 'U': good = read_numbers(&wanted.users, optarg, 'u'); break;
            case 1:
                if ((signal = signal_number(optarg)) < 0) return fprintf(stderr, "Unknown signal \"%s\".", optarg), try_help("unknown signal");
                continue;
            case 'h': printf(USAGE, program, kills ? PKILL : PGREP); return 0;
            case 'V': printf("%s of Torpor\n", program); return 0;
            default: fprintf(stderr, USAGE, program, kills ? PKILL : PGREP); return 2;
        }
        criteria = true;
        if (!good) return try_help("invalid argument");
    }
    if (optind == argc && !criteria) return try_help("no matching criteria specified");
    if (argc - optind > 1) return try_help("only one pattern can be provided");
    int error = optind < argc ? read_pattern(argv[optind]) : 0;
    if (error) return error;
    struct process *all, *only = NULL;
    int count = read_processes(&all), found = 0;
    for (int each = 0; each < count; each++) {
        struct process *process = all + each;
        if (process->pid == getpid() || !is_wanted(process)) continue;
        if (!only || !(wanted.newest ? process->start < only->start : process->start >= only->start)) only = process;
        all[found++] = *process;
        if (only == process) only = all + found - 1;
    }
    if (found && (wanted.newest || wanted.oldest)) all[0] = *only, found = 1;
    int done = 0;
    for (int each = 0; each < found; each++) {
        const struct process *process = all + each;
        if (kills) done += act(process, signal);
        else if (!wanted.counts) {
            if (done++) fputs(wanted.between, stdout);
            if (wanted.lists_all) printf("%d %s", process->pid, arguments(process, false));
            else if (wanted.lists_names) printf("%d %s", process->pid, process->comm);
            else printf("%d", process->pid);
        }
    }
    if (!kills && !wanted.counts && found) putchar('\n');
    if (wanted.counts) printf("%d\n", kills ? done : found);
    return (kills ? done : found) ? 0 : 1;
}

/* pidof */

static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_called(const struct process *process, const char *name, bool scripts) {
    if (process->state == 'Z') return false;
    if (!strncmp(last_name(name), process->comm, COMM) && !strchr(name, '/')) return true;
    char words[MOST_ARGS];
    snprintf(words, sizeof words, "%s", arguments(process, false));
    char *rest = words, *first = strsep(&rest, " ");
    if (!strcmp(first, name) || !strcmp(last_name(first), name)) return true;
    char *second = rest ? strsep(&rest, " ") : NULL;
    return scripts && second && (!strcmp(second, name) || !strcmp(last_name(second), name));
}

int main_pidof(int argc, char **argv) {
    struct numbers omitted = {.count = 0};
    bool single = false, scripts = false, quiet = false, any = false;
    for (int option; (option = getopt(argc, argv, "scxqo:")) != -1;) {
        if (option == 's') single = true;
        else if (option == 'x') scripts = true;
        else if (option == 'q') quiet = true;
        else if (option == 'o' && !strcmp(optarg, "%PPID")) omitted.all[omitted.count++] = getppid();
        else if (option == 'o' && !read_numbers(&omitted, optarg, 'p')) return 1;
        else if (option == '?') return fputs("pidof usage: [options] <program-name>\n\n -s, -x, -q, -o PID\n", stderr), 1;
    }
    struct process *all;
    int count = read_processes(&all);
    for (int at = optind; at < argc; at++) {
        for (int each = count - 1; each >= 0; each--) {
            const struct process *process = all + each;
            bool is_omitted = process->pid == getpid() || (omitted.count && is_among(&omitted, process->pid));
            if (is_omitted || !is_called(process, argv[at], scripts)) continue;
            if (!quiet) printf(any ? " %d" : "%d", process->pid);
            any = true;
            if (single) break;
        }
    }
    if (any && !quiet) putchar('\n');
    return any ? 0 : 1;
}
