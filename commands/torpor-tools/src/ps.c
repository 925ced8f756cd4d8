/* ps: options as Unix and as BSD have them, what is chosen by them, and how it is shown. */
#include "columns.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_COLUMNS = 64, MOST_CHOSEN = 256, MOST_KEYS = 8 };

static struct { const struct column *column; const char *head; } shown[MOST_COLUMNS];
static int columns;
static struct { const struct column *column; bool down; } keys[MOST_KEYS];
static int key_count;
/* What is chosen: everything, or processes of which one of these is true. */
static enum { BY_PID, BY_PARENT, BY_SESSION, BY_TERMINAL, BY_USER, BY_NAME } kinds[MOST_CHOSEN];
static struct { long long number; const char *text; } chosen[MOST_CHOSEN];
static int choices;
static bool everything, all_users, all_terminals, no_leaders, negated, running, no_head, tree, endless;
static const char PLAIN[] = "pid tname time ucmd", PLAIN_BSD[] = "pid tname stat bsdtime args";
static const char *layout = PLAIN;

static void fail(const char *what) {
    fprintf(stderr,
            "error: %s\n\nUsage:\n ps [options]\n\n Try 'ps --help <simple|list|output|threads|misc|all>'\n  or 'ps --help <s|l|o|t|m|a>'\n"
            " for additional help text.\n\nFor more details see ps(1).\n",
            what);
    exit(1);
}

static void show_column(const char *name, size_t length, const char *head) {
    const struct column *column = find_column(name, length);
    char message[80];
    if (!column) {
        snprintf(message, sizeof message, "unknown user-defined format specifier \"%.*s\"", (int)(length > 32 ? 32 : length), name);
        fail(message);
    }
    if (columns == MOST_COLUMNS) fail("too many columns");
    shown[columns].column = column;
    shown[columns++].head = head ? head : column->head;
}

/* Names with commas or spaces between them; a heading after `=` goes on to the next comma. */
static void show_columns(const char *list) {
    while (*list) {
        size_t length = strcspn(list, ", ="), whole = list[length] == '=' ? strcspn(list, ",") : length;
        char *head = whole > length ? strndup(list + length + 1, whole - length - 1) : NULL;
        if (length) show_column(list, length, head);
        list += whole;
        list += strspn(list, ", ");
    }
}

static void sort_by(const char *list) {
    while (*list) {
        size_t length = strcspn(list, ",");
        const char *name = list + (*list == '+' || *list == '-');
        if (key_count == MOST_KEYS) fail("too many sort specifiers");
        keys[key_count].down = *list == '-';
        keys[key_count].column = find_column(name, length - (size_t)(name - list));
        if (!keys[key_count++].column) fail("unknown sort specifier");
        list += length + (list[length] == ',');
    }
}

static void choose(int kind, const char *list) {
    static const char *const WRONG[] = {"process ID list syntax error", "process ID list syntax error", "session or group ID list syntax error",
                                        "TTY could not be found", "user name does not exist", "improper list"};
    char *copy = strdup(list), *rest = copy;
    if (!*list) fail("list of options must follow");
    for (char *word; (word = strsep(&rest, ", \t\n"));) {
        if (!*word) continue;
        if (choices == MOST_CHOSEN) fail("too many items in lists");
        char *end = "";
        long long number = 0;
        struct passwd *user;
        if (kind == BY_TERMINAL) number = terminal_device(word);
        else if (kind == BY_USER && (user = getpwnam(word))) number = user->pw_uid;
        else if (kind != BY_NAME) number = strtoll(word, &end, 10);
        if (*end || number < 0) fail(WRONG[kind]);
        kinds[choices] = kind;
        chosen[choices].number = number;
        chosen[choices++].text = word;
    }
}

static bool is_chosen(const struct process *process, const struct process *self) {
    if (running && process->state != 'R' && process->state != 'D') return false;
    if (everything) return true;
    for (int each = 0; each < choices; each++) {
        long long value[] = {process->pid, process->parent, process->session, process->terminal, process->uid};
        if (kinds[each] == BY_NAME ? !strncmp(chosen[each].text, process->comm, COMM) : value[kinds[each]] == chosen[each].number) return true;
    }
    if (no_leaders) return process->session != process->pid && (!all_users || process->terminal);
    if (all_users || all_terminals) return (all_users || process->uid == self->uid) && (all_terminals || process->terminal);
    return !choices && process->terminal == self->terminal && process->uid == self->uid;
}

static int by_keys(const void *a, const void *b) {
    for (int each = 0; each < key_count; each++) {
        int order = compare_column(keys[each].column, a, b);
        if (order) return keys[each].down ? -order : order;
    }
    return ((const struct process *)a)->pid - ((const struct process *)b)->pid;
}

/* Moves what comes from a process behind it, deeper, and so on. */
static int plant(struct process *from, int count, struct process *to, int parent, int depth) {
    int placed = 0;
    for (int each = 0; each < count; each++) {
        if (from[each].pid < 0 || (parent ? from[each].parent != parent : false)) continue;
        if (!parent) {
            bool has_parent = false;
            for (int other = 0; other < count; other++) has_parent |= abs(from[other].pid) == from[each].parent;
            if (has_parent) continue;
        }
        to[placed] = from[each];
        to[placed++].depth = depth;
        int pid = from[each].pid;
        from[each].pid = -pid;
        placed += plant(from, count, to + placed, pid, depth + 1);
    }
    return placed;
}

/* A line, cut off at the screen's edge; of the last column nothing is padded. */
static void print_line(const struct process *process, int width) {
    static char line[4 * MOST_ARGS];
    size_t at = 0;
    int over = 0;
    for (int each = 0; each < columns && at < sizeof line - 1; each++) {
        const struct column *column = shown[each].column;
        const char *text = process ? column->text(process) : shown[each].head;
        int room = column->width, heading = (int)strlen(shown[each].head);
        if (room < heading) room = heading;
        bool last = each == columns - 1;
        /* What was too wide takes from the space before what comes next. */
        int space = room - over > 0 ? room - over : 0, length = (int)strlen(text);
        if (column->left && last) space = 0;
        if (column->left && !last && column->width > 15) length = length > room ? room : length;
        at += (size_t)snprintf(line + at, sizeof line - at, column->left ? "%-*.*s%s" : "%*.*s%s", space, length, text, last ? "" : " ");
        over = length > space ? length - space : 0;
    }
    if (at >= sizeof line) at = sizeof line - 1;
    if (width && at > (size_t)width) at = (size_t)width;
    printf("%.*s\n", (int)at, line);
}

static const char *value_of(char *rest, int argc, char **argv, int *at) {
    if (*rest) return rest;
    if (++*at >= argc) fail("list of options must follow");
    return argv[*at];
}

/* A group of letters behind a `-`; its end, or that of the value that it has taken. */
static void unix_options(char *letters, int argc, char **argv, int *at) {
    for (char *each = letters; *each; each++) {
        int kind = -1;
        switch (*each) {
            case 'A': case 'e': everything = true; break;
            case 'a': no_leaders = all_users = true; break;
            case 'd': no_leaders = true; break;
            case 'f': layout = "user=UID pid ppid c stime tname time cmd"; break;
            case 'j': layout = "pid pgid sid tname time ucmd"; break;
            case 'l': layout = "f s uid pid ppid c pri_l ni addr sz wchan tname time ucmd"; break;
            case 'H': tree = only_indented = true; break;
            case 'N': negated = true; break;
            case 'w': endless = true; break;
            case 'x': all_terminals = true; break;
            case 'V': puts("ps of Torpor"); exit(0);
            case 'p': case 'q': kind = BY_PID; break;
            case 'C': kind = BY_NAME; break;
            case 'u': case 'U': kind = BY_USER; break;
            case 't': kind = BY_TERMINAL; break;
            case 's': case 'g': kind = BY_SESSION; break;
            case 'o': layout = NULL, show_columns(value_of(each + 1, argc, argv, at)); return;
            case 'O': layout = NULL, show_columns("pid"), show_columns(value_of(each + 1, argc, argv, at)), show_columns("s,tname,time,args"); return;
            default: fail("unsupported SysV option");
        }
        /* `-aux` is meant as BSD has it, unless there is such a user. */
        if (*each == 'u' && (each[1] == 'x' || (!each[1] && each > letters))) {
            layout = "user pid %cpu %mem vsz rss tname stat start_time bsdtime args";
            no_leaders = false;
            continue;
        }
        if (kind >= 0) {
            choose(kind, value_of(each + 1, argc, argv, at));
            return;
        }
    }
}

static void bsd_options(char *letters, int argc, char **argv, int *at) {
    if (layout == PLAIN) layout = PLAIN_BSD;
    for (char *each = letters; *each; each++) {
        switch (*each) {
            case 'a': all_users = true; break;
            case 'x': all_terminals = true; break;
            case 'g': break;
            case 'u': layout = "user pid %cpu %mem vsz rss tname stat start_time bsdtime args"; break;
            case 'l': layout = "f uid pid ppid priority ni vsz rss wchan stat tname bsdtime args"; break;
            case 'j': layout = "ppid pid pgid sid tname tpgid stat uid bsdtime args"; break;
            case 'e': with_environment = true; break;
            case 'f': tree = true; break;
            case 'h': no_head = true; break;
            case 'r': running = true; break;
            case 'w': endless = true; break;
            case 'c': case 'n': case 'S': break;
            case 'p': choose(BY_PID, value_of(each + 1, argc, argv, at)); return;
            case 't': choose(BY_TERMINAL, value_of(each + 1, argc, argv, at)); return;
            case 'U': choose(BY_USER, value_of(each + 1, argc, argv, at)); return;
            case 'o': layout = NULL, show_columns(value_of(each + 1, argc, argv, at)); return;
            case 'k': sort_by(value_of(each + 1, argc, argv, at)); return;
            default: fail("unsupported option (BSD syntax)");
        }
    }
}

static void long_option(char *name, int argc, char **argv, int *at) {
    char *value = strchr(name, '=');
    size_t length = value ? (size_t)(value - name) : strlen(name);
#define IS(text) (length == strlen(text) && !strncmp(name, text, length))
#define VALUE value_of(value ? value + 1 : "", argc, argv, at)
    if (IS("pid")) choose(BY_PID, VALUE);
    else if (IS("ppid")) choose(BY_PARENT, VALUE);
    else if (IS("sid")) choose(BY_SESSION, VALUE);
    else if (IS("tty")) choose(BY_TERMINAL, VALUE);
    else if (IS("user") || IS("User")) choose(BY_USER, VALUE);
    else if (IS("format")) layout = NULL, show_columns(VALUE);
    else if (IS("sort")) sort_by(VALUE);
    else if (IS("no-headers") || IS("no-heading") || IS("noheaders") || IS("noheading")) no_head = true;
    else if (IS("forest")) tree = true, only_indented = false;
    else if (IS("deselect")) negated = true;
    else if (IS("version")) puts("ps of Torpor"), exit(0);
    else if (IS("help")) {
        puts("\nUsage:\n ps [options]\n\n -A, -e  every process      -f, -l, -j, u  more columns      -o LIST  these columns\n"
             " -p, --ppid, -C, -u, -t, -s LIST  by pid, parent, name, user, terminal, session\n --sort LIST  --no-headers  --forest\n\nFor more details see ps(1).");
        exit(0);
    } else fail("unknown gnu long option");
}

int main_ps(int argc, char **argv) {
    for (int at = 1; at < argc; at++) {
        char *word = argv[at];
        if (!strncmp(word, "--", 2)) long_option(word + 2, argc, argv, &at);
        else if (*word == '-') unix_options(word + 1, argc, argv, &at);
        else if (isdigit((unsigned char)*word)) choose(BY_PID, word), layout = layout == PLAIN ? PLAIN_BSD : layout;
        else bsd_options(word, argc, argv, &at);
    }
    if (layout) {
        char *copy = strdup(layout), *rest = copy;
        for (char *word; (word = strsep(&rest, " "));) show_columns(word);
    }
    struct process *all, *self = NULL;
    int count = read_processes(&all), kept = 0;
    for (int each = 0; each < count; each++)
        if (all[each].pid == getpid()) self = all + each;
    struct process of_self = self ? *self : (struct process){.uid = getuid()};
    for (int each = 0; each < count; each++)
        if (is_chosen(all + each, &of_self) != negated) all[kept++] = all[each];
    if (key_count) qsort(all, (size_t)kept, sizeof *all, by_keys);
    if (tree && kept) {
        struct process *planted = malloc((size_t)kept * sizeof *planted);
        if (planted) plant(all, kept, planted, 0, 0), all = planted;
    }
    int width = endless ? 0 : screen_size().columns;
    bool headed = false;
    for (int each = 0; each < columns; each++) headed |= *shown[each].head != 0;
    if (headed && !no_head) print_line(NULL, width);
    for (int each = 0; each < kept; each++) print_line(all + each, width);
    return kept ? 0 : 1;
}
