/* rg: ripgrep's usual options, answered by GNU grep, which it says. What grep cannot do is refused. */
#include "rg.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A command's arguments take at most a megabyte, with the environment. */
enum { BATCH_BYTES = 512 * 1024, SILENT_MS = 500, MATCHED = 0, NOTHING = 1, FAILED = 2 };
enum { FILES = 256, HIDDEN, NO_IGNORE, TYPES, WITHOUT, COLOR, NOTED, SORT, DEPTH };
static const char OPTIONS[] = "e:FisSvwxnNlcoqm:A:B:C:HIg:t:T:uaLPj:d:0.Vhp";
static const struct option LONG[] = {
    {"regexp", 1, 0, 'e'}, {"fixed-strings", 0, 0, 'F'}, {"ignore-case", 0, 0, 'i'}, {"case-sensitive", 0, 0, 's'},
    {"smart-case", 0, 0, 'S'}, {"invert-match", 0, 0, 'v'}, {"word-regexp", 0, 0, 'w'}, {"line-regexp", 0, 0, 'x'},
    {"line-number", 0, 0, 'n'}, {"no-line-number", 0, 0, 'N'}, {"files-with-matches", 0, 0, 'l'},
    {"files-without-match", 0, 0, WITHOUT}, {"count", 0, 0, 'c'}, {"only-matching", 0, 0, 'o'}, {"quiet", 0, 0, 'q'},
    {"max-count", 1, 0, 'm'}, {"after-context", 1, 0, 'A'}, {"before-context", 1, 0, 'B'}, {"context", 1, 0, 'C'},
    {"with-filename", 0, 0, 'H'}, {"no-filename", 0, 0, 'I'}, {"glob", 1, 0, 'g'}, {"type", 1, 0, 't'},
    {"type-not", 1, 0, 'T'}, {"type-list", 0, 0, TYPES}, {"hidden", 0, 0, HIDDEN}, {"no-ignore", 0, 0, NO_IGNORE},
    {"no-ignore-vcs", 0, 0, NO_IGNORE}, {"unrestricted", 0, 0, 'u'}, {"text", 0, 0, 'a'}, {"files", 0, 0, FILES},
    {"follow", 0, 0, 'L'}, {"pcre2", 0, 0, 'P'}, {"threads", 1, 0, 'j'}, {"max-depth", 1, 0, DEPTH}, {"null", 0, 0, '0'},
    {"color", 1, 0, COLOR}, {"no-heading", 0, 0, NOTED}, {"heading", 0, 0, NOTED}, {"no-messages", 0, 0, NOTED},
    {"no-config", 0, 0, NOTED}, {"line-buffered", 0, 0, NOTED}, {"mmap", 0, 0, NOTED}, {"no-mmap", 0, 0, NOTED},
    {"sort", 1, 0, SORT}, {"pretty", 0, 0, 'p'}, {"version", 0, 0, 'V'}, {"help", 0, 0, 'h'}, {0, 0, 0, 0},
};
static const char USAGE[] =
    "rg of Torpor: ripgrep's usual options, answered by GNU grep\n\n"
    "USAGE:\n  rg [OPTIONS] PATTERN [PATH ...]\n  rg [OPTIONS] -e PATTERN ... [PATH ...]\n  rg --files [PATH ...]\n\n"
    "Patterns: -e -F -i -s -S -v -w -x -P\nFiles: -g GLOB, -t TYPE, -T TYPE, --type-list, --hidden, --no-ignore, -u, -L, --max-depth N, -a\n"
    "Output: -n -N -l --files-without-match -c -o -q -m N -A N -B N -C N -H -I -0 --color WHEN\n";

struct search {
    struct choice choice;
    struct words patterns, options;
    bool fixed, perl, inexact, smart, insensitive, numbered, unnumbered, named, unnamed, counts, quiet, files, binary;
    int unrestricted; /* how often -u is given */
};

void add(struct words *words, const char *word) {
    if (!(words->count & (words->count + 1))) words->words = realloc(words->words, (2 * words->count + 2) * sizeof *words->words);
    if (!words->words) exit(FAILED);
    words->words[words->count++] = word;
    words->words[words->count] = NULL;
}

static pid_t started;

static int start(const struct words *command, int output, bool quiet) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (output >= 0) posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (quiet) posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(&started, command->words[0], &actions, NULL, (char **)command->words, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int wait_for_it(void) {
    int status;
    while (waitpid(started, &status, 0) < 0)
        if (errno != EINTR) return FAILED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

FILE *read_from(const struct words *command, bool quiet) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return NULL;
    int error = start(command, ends[1], quiet);
    close(ends[1]);
    if (!error) return fdopen(ends[0], "r");
    close(ends[0]);
    return NULL;
}

int ended(FILE *output) {
    fclose(output);
    return wait_for_it();
}

/* The class that begins at `from`, such as [\w.-], as ERE has it; what follows it, NULL if that is not easily said. */
static const char *class_of(const char *from, FILE *to) {
    fputc(*from++, to);
    if (*from == '^') fputc(*from++, to);
    for (const char *first = from; *from && (*from != ']' || from == first); from++) {
        if (*from == '[' || (*from == '&' && from[1] == '&')) return NULL;
        if (*from != '\\') fputc(*from, to);
        else if (*++from == 'w') fputs("[:alnum:]_", to);
        else if (*from == 'd') fputs("0-9", to);
        else if (*from == 's') fputs("[:space:]", to);
        else if (*from && strchr("./(){}*+?|$\"':,;=<>#!@%&~`", *from)) fputc(*from, to);
        else return NULL;
    }
    if (!*from) return NULL;
    fputc(*from, to);
    return from + 1;
}

/* The pattern as ERE has it, which grep finds fastest; NULL if it is one for PCRE2. */
static char *extended(const char *pattern, bool exact) {
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    const char *at = pattern;
    while (to && at && *at) {
        if (*at == '[') at = class_of(at, to);
        else if (!strncmp(at, "(?:", 3)) fputc('(', to), at += 3;
        else if (*at == '(' && at[1] == '?') at = NULL;
        else if (strchr("*+?}", *at) && (at[1] == '?' || at[1] == '+')) { /* how much it takes is the same for a whole line */
            if (at[1] == '+' || exact) at = NULL;
            else fputc(*at, to), at += 2;
        } else if (*at != '\\') fputc(*at++, to);
        else if (at[1] == 'd') fputs("[0-9]", to), at += 2;
        else if (at[1] == 'D') fputs("[^0-9]", to), at += 2;
        else if (at[1] == 't') fputc('\t', to), at += 2;
        else if (at[1] && strchr("wWsSbB.*+?()[]{}|^$\\", at[1])) fputc(*at, to), fputc(at[1], to), at += 2;
        else if (at[1] && strchr("/-\"':,;=<>#!@%&~`_ ", at[1])) fputc(at[1], to), at += 2;
        else at = NULL;
    }
    if (to) fclose(to);
    return at ? text : NULL;
}

/* How grep is to be asked: its kind of patterns, and these. */
static void add_patterns(const struct search *search, struct words *command) {
    bool capital = false, special = false, simple = !search->perl;
    char *joined = NULL;
    size_t size;
    FILE *all = open_memstream(&joined, &size);
    struct words easy = {0};
    for (size_t each = 0; all && each < search->patterns.count; each++) {
        const char *pattern = search->patterns.words[each];
        for (const char *at = pattern; *at; at++) capital |= 'A' <= *at && *at <= 'Z' && (at == pattern || at[-1] != '\\');
        special |= strpbrk(pattern, "\\.[]{}()*+?^$|") != NULL;
        const char *one = extended(pattern, search->inexact);
        if (one) add(&easy, one);
        else simple = false;
        fprintf(all, "%s(?:%s)", each ? "|" : "", pattern);
    }
    if (all) fclose(all);
    if (search->insensitive || (search->smart && !capital)) add(command, "-i");
    bool fixed = search->fixed || (!special && !search->perl);
    add(command, fixed ? "-F" : simple ? "-E" : "-P");
    const struct words *patterns = fixed ? &search->patterns : &easy;
    for (size_t each = 0; each < (fixed || simple ? patterns->count : 0); each++) add(command, "-e"), add(command, patterns->words[each]);
    if (!fixed && !simple) add(command, "-e"), add(command, joined);
}

/* Searches these files; grep's exit code. Of counts those that are none are left out. */
static int grep(const struct words *command, bool counts) {
    if (!counts) {
        int error = start(command, -1, false);
        return error ? complain("grep: %s", strerror(error)), FAILED : wait_for_it();
    }
    FILE *output = read_from(command, false);
    char *line = NULL;
    size_t size = 0;
    if (!output) return FAILED;
    for (ssize_t length; (length = getline(&line, &size, output)) > 0;)
        if (strcmp(line, "0\n") && (length < 3 || strcmp(line + length - 3, ":0\n"))) fputs(line, stdout);
    free(line);
    return ended(output);
}

static int search_files(const struct search *search, const struct words *files, bool stdin_too) {
    struct words head = {0};
    add(&head, "grep");
    add_patterns(search, &head);
    for (size_t each = 0; each < search->options.count; each++) add(&head, search->options.words[each]);
    if (!search->binary) add(&head, "-I");
    add(&head, search->named ? "-H" : "-h");
    add(&head, "--");
    if (stdin_too) add(&head, "-");
    struct words nowhere = {0};
    add(&nowhere, "/dev/null");
    if (!files->count && !stdin_too) files = &nowhere; /* a pattern that is none is told all the same */
    int code = NOTHING;
    for (size_t each = 0; each < files->count || stdin_too; stdin_too = false) {
        struct words command = {0};
        for (size_t word = 0; word < head.count; word++) add(&command, head.words[word]);
        for (size_t bytes = 0; each < files->count && bytes < BATCH_BYTES; each++) {
            add(&command, files->words[each]);
            bytes += strlen(files->words[each]) + sizeof(char *);
        }
        int one = grep(&command, search->counts);
        free(command.words);
        if (one > NOTHING) code = FAILED;
        else if (one == MATCHED && code == NOTHING) code = MATCHED;
        if (search->quiet && code == MATCHED) break;
    }
    return code;
}

/* Whether the parent has the same stdin: then this is not the end of a pipeline. */
static bool inherits_stdin(void) {
    char path[64], mine[PATH_MAX] = "", other[PATH_MAX] = "";
    snprintf(path, sizeof path, "/proc/%d/fd/0", getppid());
    return readlink("/proc/self/fd/0", mine, sizeof mine - 1) < 0 || readlink(path, other, sizeof other - 1) < 0 || !strcmp(mine, other);
}

/* What comes by a pipe or from a file is searched when nothing else is named; an inherited stdin with nothing in it is none: a
   client that gives its command none may end it late, or never. */
static bool has_stdin(void) {
    struct stat of;
    if (fstat(STDIN_FILENO, &of) || !(S_ISREG(of.st_mode) || S_ISFIFO(of.st_mode))) return false;
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    int bytes = 0;
    if (!inherits_stdin()) return true;
    return poll(&in, 1, SILENT_MS) == 1 && !ioctl(STDIN_FILENO, FIONREAD, &bytes) && bytes;
}

static void add_type(struct words *types, const char *name) {
    const char *globs = globs_of_type(name);
    if (!globs) {
        complain("unrecognized file type: %s", name);
        exit(FAILED);
    }
    add(types, globs);
}

static void option_for_grep(struct search *search, int option, const char *value) {
    char *word;
    if (asprintf(&word, "-%c%s", option, value ? value : "") < 0) exit(FAILED);
    add(&search->options, word);
}

static void take(struct search *search, int option) {
    struct choice *choice = &search->choice;
    switch (option) {
        case 'e': add(&search->patterns, optarg); break;
        case 'F': search->fixed = true; break;
        case 'P': search->perl = true; break;
        case 'i': search->insensitive = true; break;
        case 's': search->insensitive = search->smart = false; break;
        case 'S': search->smart = true; break;
        case 'n': search->numbered = true; break;
        case 'N': search->unnumbered = true; break;
        case 'H': search->named = true; break;
        case 'I': search->unnamed = true; break;
        case 'c': search->counts = true; option_for_grep(search, option, NULL); break;
        case 'q': search->quiet = true; option_for_grep(search, option, NULL); break;
        case 'o': search->inexact = true; /* fall through */
        case 'v': case 'w': case 'x': case 'l': option_for_grep(search, option, NULL); break;
        case 'm': case 'A': case 'B': case 'C': option_for_grep(search, option, optarg); break;
        case WITHOUT: option_for_grep(search, 'L', NULL); break;
        case '0': option_for_grep(search, 'Z', NULL); break;
        case 'a': search->binary = true; option_for_grep(search, option, NULL); break;
        case 'p': search->numbered = true; add(&search->options, "--color=always"); break;
        case COLOR: add(&search->options, strcmp(optarg, "always") && strcmp(optarg, "ansi") ? !strcmp(optarg, "never") ? "--color=never" : "--color=auto" : "--color=always"); break;
        case 'g': add(&choice->globs, optarg); break;
        case 't': add_type(&choice->types, optarg); break;
        case 'T': add_type(&choice->other_types, optarg); break;
        case 'u':
            choice->unignored = true;
            choice->hidden |= ++search->unrestricted > 1;
            if (search->unrestricted > 2) search->binary = true, add(&search->options, "-a");
            break;
        case '.': case HIDDEN: choice->hidden = true; break;
        case NO_IGNORE: choice->unignored = true; break;
        case 'L': choice->follow = true; break;
        case 'd': case DEPTH: choice->depth = atoi(optarg); break;
        case FILES: search->files = true; break;
        case TYPES: print_types(); exit(0);
        case 'h': fputs(USAGE, stdout); exit(0);
        case 'V': puts("rg of Torpor (ripgrep's usual options, answered by GNU grep)"); exit(0);
        case 'j': case NOTED: case SORT: break;
        default: complain("GNU grep answers here, and knows no such option; see rg --help"); exit(FAILED);
    }
}

int main_rg(int argc, char **argv) {
    struct search search = {.choice = {.depth = DEEPEST}};
    struct words files = {0};
    if (isatty(STDOUT_FILENO)) add(&search.options, "--color=auto"); /* what is asked for comes behind it */
    for (int option; (option = getopt_long(argc, argv, OPTIONS, LONG, NULL)) != -1;) take(&search, option);
    if (!search.files && !search.patterns.count) {
        if (optind == argc) return complain("the following required arguments were not provided:\n  <PATTERN>"), FAILED;
        add(&search.patterns, argv[optind++]);
    }
    bool complete = true, several = argc - optind > 1, from_stdin = !search.files && optind == argc && has_stdin();
    for (int at = optind; at < argc; at++) {
        struct stat of;
        if (!strcmp(argv[at], "-") && !search.files) from_stdin = true;
        else complete &= list_files(&search.choice, argv[at], &files);
        several |= !stat(argv[at], &of) && S_ISDIR(of.st_mode);
    }
    if (optind == argc && !from_stdin) complete &= list_files(&search.choice, "", &files), several = true;
    if (search.files) {
        for (size_t each = 0; each < files.count; each++) puts(files.words[each]);
        return !complete ? FAILED : files.count ? MATCHED : NOTHING;
    }
    search.named = (several || search.named) && !search.unnamed;
    if ((search.numbered || isatty(STDOUT_FILENO)) && !search.unnumbered) add(&search.options, "-n");
    if (!search.quiet) complain("GNU grep answers");
    int code = search_files(&search, &files, from_stdin);
    return complete || (code == MATCHED && search.quiet) ? code : FAILED;
}
