/*
 * git-remote-http and git-remote-https: what git runs for such a remote (gitremote-helpers(7)), over the VM's HTTP.
 *
 * A fetch by protocol version 2 is git's own, with its requests led through here (`stateless-connect`). One by an older version, and a
 * push, are those of git fetch-pack and git send-pack, which are run with --stateless-rpc.
 */
#include "git.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static struct remote remote = {.follows = true, .verbosity = 1};
static struct {
    bool progress, follow_tags, dry_run, atomic, cloning, update_shallow, check_connectivity, deepen_relative, thin, force_if_includes, from_promisor, refetch, object_format;
    char *depth, *since, *filter, *signed_push;
    struct list not, cas, push_options;
} options = {.progress = true, .thin = true};
static struct text refs; /* what the last service has said, without the line that names it */
static char *refs_of;

void die(const char *format, ...) {
    va_list arguments;
    fputs("fatal: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(128);
}

/* A line of commands, which come by single bytes: what follows may be another program's to read. NULL at the end. */
static char *read_command(void) {
    static struct text line;
    line.size = 0;
    add(&line, "", 0);
    for (char byte; read(0, &byte, 1) == 1;) {
        if (byte == '\n') return line.start;
        add(&line, &byte, 1);
    }
    return line.size ? line.start : NULL;
}

static void answer(const char *text) {
    if (write_all(1, text, strlen(text))) exit(128);
}

static size_t line_size(const char *at, const char *end) {
    char digits[5] = {0}, *rest;
    if (end - at < 4) return 0;
    memcpy(digits, at, 4);
    size_t size = strtoul(digits, &rest, 16);
    return *rest || size > (size_t)(end - at) ? 0 : size < 4 ? 4 : size;
}

/* Leaves out the "# service=" line, and what is behind it up to a flush. */
static struct text without_service(struct text all) {
    char *at = all.start, *end = at + all.size;
    if (all.size < 14 || strncmp(at + 4, "# service=", 10)) return all;
    for (size_t size; (size = line_size(at, end));) {
        bool flush = !strncmp(at, "0000", 4);
        at += size;
        if (flush) break;
    }
    return (struct text){.start = at, .size = (size_t)(end - at)};
}

static bool is_version(const struct text *said, const char *version) {
    return said->size > 4 + strlen(version) && !strncmp(said->start + 4, version, strlen(version));
}

static void look_at(const char *service, int version) {
    if (refs_of && !strcmp(refs_of, service)) return;
    refs = without_service(discover(&remote, service, version));
    refs_of = copy(service, strlen(service));
}

static void connect_to(const char *service) {
    refs_of = NULL;
    look_at(service, 2);
    if (!is_version(&refs, "version 2")) {
        answer("fallback\n");
        return;
    }
    answer("\n");
    if (write_all(1, refs.start, refs.size)) exit(128);
    while (post(&remote, service, 2, 0, true, 1)) answer("0002"); /* the end of an answer */
    exit(0);
}

static void add_ref(struct text *to, const char *at, size_t size, const char *capabilities) {
    const char *space = memchr(at, ' ', size);
    if (!space || !strncmp(space + 1, "capabilities^{}", 15)) return;
    int name = (int)(at + size - space - 1);
    const char *link = capabilities ? strstr(capabilities, "symref=HEAD:") : NULL;
    if (link && name == 4 && !strncmp(space + 1, "HEAD", 4)) add_format(to, "@%.*s HEAD\n", (int)strcspn(link + 12, " \n"), link + 12);
    else add_format(to, "%.*s %.*s\n", (int)(space - at), at, name, space + 1);
}

static void list_refs(const char *service) {
    struct text listed = {0};
    look_at(service, 0);
    if (is_version(&refs, "version 2")) refs_of = NULL, look_at(service, 0);
    const char *at = refs.start, *end = at + refs.size, *capabilities = NULL;
    for (size_t size; (size = line_size(at, end)); at += size) {
        const char *content = at + 4;
        size_t length = size - 4;
        if (length && content[length - 1] == '\n') length--;
        const char *nul = memchr(content, 0, length);
        if (nul) capabilities = copy(nul + 1, (size_t)(content + length - nul - 1));
        if (nul && options.object_format) {
            const char *format = strstr(capabilities, "object-format=");
            add_format(&listed, ":object-format %.*s\n", format ? (int)strcspn(format + 14, " ") : 4, format ? format + 14 : "sha1");
        }
        if (length > 4 && !strncmp(content, "ERR ", 4)) die("remote error: %.*s", (int)length - 4, content + 4);
        if (length && strncmp(content, "version ", 8) && strncmp(content, "shallow ", 8)) add_ref(&listed, content, nul ? (size_t)(nul - content) : length, capabilities);
    }
    add_text(&listed, "\n");
    answer(listed.start);
    free(listed.start);
}

/* Runs a git that makes requests on its stdout and reads answers on its stdin; what it says after the last of them is git's to read. */
static int converse(char **words, const char *service, struct text preamble) {
    struct child child;
    struct text said = {0};
    if (!start_child(&child, words)) die("cannot run %s %s: %s", words[0], words[1], strerror(errno));
    if (write_all(child.in, preamble.start, preamble.size) || write_all(child.in, refs.start, refs.size)) die("git %s has ended: %s", words[1], strerror(errno));
    while (post(&remote, service, 0, child.out, false, child.in)) continue;
    close(child.in);
    add(&said, "", 0);
    add_all(&said, child.out);
    close(child.out);
    int code = wait_for_child(&child);
    if (write_all(1, said.start, said.size)) exit(128);
    refs_of = NULL;
    return code;
}

static void add_line(struct text *to, const char *content, const char *end) { add_format(to, "%04zx%s%s", 4 + strlen(content) + strlen(end), content, end); }

static void say(struct list *words, char *word) { push(words, word); }

static void say_if(struct list *words, bool wanted, char *word) {
    if (wanted) push(words, word);
}

/* The rest of a batch of commands, of which one has been read: what is behind their first word. */
static struct list batch(const char *command, const char *first) {
    struct list all = {0};
    size_t skipped = strlen(first);
    do {
        if (strncmp(command, first, skipped)) die("a %sis expected, not %s", first, command);
        push(&all, copy(command + skipped, strlen(command + skipped)));
    } while ((command = read_command()) && *command);
    return all;
}

static void fetch(const char *command) {
    struct list all = batch(command, "fetch "), words = {0};
    struct text preamble = {0};
    for (size_t i = 0; i < all.count; i++) add_line(&preamble, all.items[i], "\n");
    add_text(&preamble, "0000");
    for (char **word = (char *[]){"git", "fetch-pack", "--stateless-rpc", "--stdin", "--lock-pack", NULL}; *word; word++) say(&words, *word);
    say_if(&words, options.follow_tags, "--include-tag");
    say_if(&words, options.thin, "--thin");
    say_if(&words, options.check_connectivity, "--check-self-contained-and-connected");
    say_if(&words, options.cloning, "--cloning");
    say_if(&words, options.update_shallow, "--update-shallow");
    say_if(&words, options.deepen_relative, "--deepen-relative");
    say_if(&words, options.from_promisor, "--from-promisor");
    say_if(&words, options.refetch, "--refetch");
    say_if(&words, !options.progress, "--no-progress");
    say_if(&words, remote.verbosity >= 3, "-v");
    if (options.depth) say(&words, text_of("--depth=%s", options.depth));
    if (options.since) say(&words, text_of("--shallow-since=%s", options.since));
    if (options.filter) say(&words, text_of("--filter=%s", options.filter));
    for (size_t i = 0; i < options.not.count; i++) say(&words, text_of("--shallow-exclude=%s", options.not.items[i]));
    say(&words, remote.url);
    push(&words, NULL);
    look_at("git-upload-pack", 0);
    if (converse(words.items, "git-upload-pack", preamble)) exit(128);
    answer("\n");
}

static void push_refs(const char *command) {
    struct list all = batch(command, "push "), words = {0};
    struct text preamble = {0};
    for (size_t i = 0; i < all.count; i++) add_line(&preamble, all.items[i], "\n");
    add_text(&preamble, "0000");
    for (char **word = (char *[]){"git", "send-pack", "--stateless-rpc", "--helper-status", NULL}; *word; word++) say(&words, *word);
    say_if(&words, options.thin, "--thin");
    say_if(&words, options.dry_run, "--dry-run");
    say_if(&words, options.atomic, "--atomic");
    say_if(&words, options.force_if_includes, "--force-if-includes");
    say_if(&words, remote.verbosity == 0, "--quiet");
    say_if(&words, remote.verbosity > 1, "--verbose");
    say(&words, options.progress ? "--progress" : "--no-progress");
    if (options.signed_push) say(&words, text_of("--signed=%s", options.signed_push));
    for (size_t i = 0; i < options.push_options.count; i++) say(&words, text_of("--push-option=%s", options.push_options.items[i]));
    for (size_t i = 0; i < options.cas.count; i++) say(&words, text_of("--force-with-lease=%s", options.cas.items[i]));
    say(&words, remote.url);
    say(&words, "--stdin");
    push(&words, NULL);
    look_at("git-receive-pack", 0);
    int code = converse(words.items, "git-receive-pack", preamble);
    answer("\n");
    if (code) exit(128); /* send-pack has said why */
}

/* A value as git quotes it in C's way, where it has to. */
static char *unquoted(const char *value) {
    if (*value != '"') return copy(value, strlen(value));
    char *made = copy(value + 1, strlen(value + 1)), *to = made;
    for (const char *at = value + 1; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] && at[3]) *to++ = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0')), at += 3;
        else if (*at == '\\' && at[1]) *to++ = *++at == 'n' ? '\n' : *at == 't' ? '\t' : *at;
        else *to++ = *at;
    }
    *to = 0;
    return made;
}

static bool set_option(const char *name, const char *value) {
    const struct { const char *name; bool *to; } FLAGS[] = {
        {"progress", &options.progress}, {"followtags", &options.follow_tags}, {"dry-run", &options.dry_run}, {"atomic", &options.atomic}, {"cloning", &options.cloning},
        {"update-shallow", &options.update_shallow}, {"check-connectivity", &options.check_connectivity}, {"deepen-relative", &options.deepen_relative},
        {"force-if-includes", &options.force_if_includes}, {"from-promisor", &options.from_promisor}, {"refetch", &options.refetch}, {"object-format", &options.object_format},
    };
    for (size_t each = 0; each < sizeof FLAGS / sizeof *FLAGS; each++)
        if (!strcmp(name, FLAGS[each].name)) return *FLAGS[each].to = strcmp(value, "false"), true;
    if (!strcmp(name, "verbosity")) remote.verbosity = atoi(value);
    else if (!strcmp(name, "depth")) options.depth = copy(value, strlen(value));
    else if (!strcmp(name, "deepen-since")) options.since = copy(value, strlen(value));
    else if (!strcmp(name, "filter")) options.filter = copy(value, strlen(value));
    else if (!strcmp(name, "deepen-not")) push(&options.not, copy(value, strlen(value)));
    else if (!strcmp(name, "push-option")) push(&options.push_options, unquoted(value));
    else if (!strcmp(name, "cas")) push(&options.cas, unquoted(value));
    else if (!strcmp(name, "pushcert")) options.signed_push = strcmp(value, "false") ? copy(value, strlen(value)) : NULL;
    else return false;
    return true;
}

static void obey(char *command) {
    if (!strcmp(command, "capabilities")) {
        answer("stateless-connect\nfetch\noption\npush\ncheck-connectivity\nobject-format\n\n");
    } else if (!strncmp(command, "option ", 7)) {
        char *name = command + 7, *value = strchr(name, ' ');
        if (value) *value++ = 0;
        answer(set_option(name, value ? value : "true") ? "ok\n" : "unsupported\n");
    } else if (!strncmp(command, "stateless-connect ", 18)) {
        connect_to(command + 18);
    } else if (!strncmp(command, "list", 4)) {
        list_refs(strcmp(command, "list for-push") ? "git-upload-pack" : "git-receive-pack");
    } else if (!strncmp(command, "fetch ", 6)) {
        fetch(command);
    } else if (!strncmp(command, "push ", 5)) {
        push_refs(command);
    } else {
        die("git asks for something that is not known here: %s", command);
    }
}

int main_git_remote(int argc, char **argv) {
    if (argc < 2) die("usage: %s <remote> [<url>]", program);
    aim(&remote, argc > 2 ? argv[2] : argv[1]);
    for (char *command; (command = read_command()) && *command;) obey(command);
    return 0;
}
