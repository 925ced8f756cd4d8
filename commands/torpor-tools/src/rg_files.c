/* The files that rg searches: what git knows or would take in, else all; by globs and types. */
#include "rg.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct { const char *name, *globs; } TYPES[] = {
    {"c", "*.[chH] *.[chH].in *.cats"},
    {"clojure", "*.clj *.cljc *.cljs *.cljx"},
    {"cmake", "*.cmake CMakeLists.txt"},
    {"cpp", "*.[ChH] *.cc *.[ch]pp *.[ch]xx *.hh *.inl *.[ChH].in *.cc.in *.[ch]pp.in *.[ch]xx.in *.hh.in"},
    {"csharp", "*.cs"},
    {"css", "*.css *.scss"},
    {"csv", "*.csv"},
    {"dart", "*.dart"},
    {"docker", "*Dockerfile*"},
    {"elixir", "*.ex *.eex *.exs *.heex *.leex *.livemd"},
    {"go", "*.go"},
    {"graphql", "*.graphql *.graphqls"},
    {"haskell", "*.hs *.lhs *.cpphs *.c2hs *.hsc"},
    {"html", "*.htm *.html *.ejs"},
    {"java", "*.java *.jsp *.jspx *.properties"},
    {"js", "*.js *.jsx *.vue *.cjs *.mjs"},
    {"json", "*.json composer.lock *.sarif"},
    {"kotlin", "*.kt *.kts"},
    {"lua", "*.lua"},
    {"make", "[Gg][Nn][Uu]makefile [Mm]akefile [Gg][Nn][Uu]makefile.am [Mm]akefile.am [Gg][Nn][Uu]makefile.in [Mm]akefile.in *.mk *.mak"},
    {"markdown", "*.markdown *.md *.mdown *.mdwn *.mkd *.mkdn *.mdx"},
    {"md", "*.markdown *.md *.mdown *.mdwn *.mkd *.mkdn *.mdx"},
    {"perl", "*.perl *.pl *.PL *.plh *.plx *.pm *.t"},
    {"php", "*.php *.php3 *.php4 *.php5 *.php7 *.php8 *.pht *.phtml"},
    {"protobuf", "*.proto"},
    {"py", "*.py *.pyi"},
    {"python", "*.py *.pyi"},
    {"r", "*.R *.r *.Rmd *.rmd *.Rnw *.rnw"},
    {"ruby", "config.ru Gemfile .irbrc Rakefile *.gemspec *.rb *.rbw"},
    {"rust", "*.rs"},
    {"scala", "*.scala *.sbt"},
    {"sh", "*.sh *.bash *.csh *.dash *.ksh *.tcsh *.zsh .bashrc .bash_profile .profile .zshrc bashrc .login .logout"},
    {"sql", "*.sql *.psql"},
    {"svelte", "*.svelte *.svelte.ts"},
    {"swift", "*.swift"},
    {"tex", "*.tex *.ltx *.cls *.sty *.bib *.dtx *.ins"},
    {"toml", "*.toml Cargo.lock"},
    {"ts", "*.ts *.tsx *.cts *.mts"},
    {"txt", "*.txt"},
    {"typescript", "*.ts *.tsx *.cts *.mts"},
    {"vue", "*.vue"},
    {"xml", "*.xml *.xml.dist *.dtd *.xsl *.xslt *.xsd *.xjb *.rng *.sch *.xhtml"},
    {"yaml", "*.yaml *.yml"},
    {"zig", "*.zig"},
};

void print_types(void) {
    for (size_t each = 0; each < sizeof TYPES / sizeof *TYPES; each++) {
        printf("%s:", TYPES[each].name);
        for (const char *at = TYPES[each].globs; *at; putchar(*at++))
            if (at == TYPES[each].globs) putchar(' ');
            else if (*at == ' ') putchar(',');
        putchar('\n');
    }
}

const char *globs_of_type(const char *name) {
    for (size_t each = 0; each < sizeof TYPES / sizeof *TYPES; each++)
        if (!strcmp(TYPES[each].name, name)) return TYPES[each].globs;
    return NULL;
}

/* A class such as [a-c] at `glob`: how long it is, 0 if it has no end. */
static size_t class_at(const char *glob, char byte, bool *within) {
    const char *at = glob + 1;
    bool not = *at == '!' || *at == '^', found = false;
    at += not;
    for (const char *first = at; *at && (*at != ']' || at == first); at++) {
        char low = *at;
        if (at[1] == '-' && at[2] && at[2] != ']') at += 2;
        found |= low <= byte && byte <= *at;
    }
    *within = found != not;
    return *at ? (size_t)(at - glob) + 1 : 0;
}

/* Whether a glob is all of a text, as gitignore has globs: * and ? are no slash, ** is any directories; {a,b} is either. */
static bool is(const char *glob, const char *text) {
    for (; *glob; glob++, text++) {
        bool within;
        size_t length;
        switch (*glob) {
            case '*':
                if (glob[1] == '*') {
                    glob += 2;
                    if (*glob == '/') {
                        for (const char *rest = text;; rest++) {
                            if (is(glob + 1, rest)) return true;
                            if (!(rest = strchr(rest, '/'))) return false;
                        }
                    }
                    do
                        if (is(glob, text)) return true;
                    while (*text++);
                    return false;
                }
                do
                    if (is(glob + 1, text)) return true;
                while (*text && *text++ != '/');
                return false;
            case '?':
                if (!*text || *text == '/') return false;
                break;
            case '[':
                length = class_at(glob, *text, &within);
                if (!length) goto plain;
                if (!*text || *text == '/' || !within) return false;
                glob += length - 1;
                break;
            case '{': {
                const char *end = strchr(glob, '}');
                if (!end) goto plain;
                for (const char *one = glob + 1; one <= end;) {
                    length = strcspn(one, ",}");
                    char either[LONGEST_GLOB];
                    if (snprintf(either, sizeof either, "%.*s%s", (int)length, one, end + 1) < LONGEST_GLOB && is(either, text)) return true;
                    one += length + 1;
                }
                return false;
            }
            case '\\':
                glob += glob[1] != '\0';
                /* fall through */
            default:
            plain:
                if (*glob != *text) return false;
        }
    }
    return !*text;
}

/* A glob without a slash in it is of the last name, in any directory. */
static bool of_path(const char *glob, const char *path) {
    const char *slash = strchr(glob, '/'), *name = strrchr(path, '/');
    if (slash && slash[1]) return is(glob + (*glob == '/'), path);
    char bare[LONGEST_GLOB];
    snprintf(bare, sizeof bare, "%.*s", slash ? (int)(slash - glob) : LONGEST_GLOB, glob);
    return is(bare, name ? name + 1 : path);
}

static bool of_some_directory(const char *glob, const char *path) {
    char directory[LONGEST_PATH];
    for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
        snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
        if (of_path(glob, directory)) return true;
    }
    return false;
}

static bool in_words(const char *globs, const char *path) {
    char one[LONGEST_GLOB];
    for (size_t length; *globs; globs += length + (globs[length] == ' ')) {
        length = strcspn(globs, " ");
        snprintf(one, sizeof one, "%.*s", (int)length, globs);
        if (of_path(one, path)) return true;
    }
    return false;
}

static bool wanted(const struct choice *choice, const char *path, const char *below) {
    if (!choice->hidden && (*below == '.' || strstr(below, "/."))) return false;
    bool typed = !choice->types.count;
    for (size_t each = 0; each < choice->types.count; each++) typed |= in_words(choice->types.words[each], path);
    for (size_t each = 0; each < choice->other_types.count; each++) typed &= !in_words(choice->other_types.words[each], path);
    if (!typed) return false;
    if (!strncmp(path, "./", 2)) path += 2;
    bool chosen = true;
    for (size_t each = 0; each < choice->globs.count; each++) chosen &= *choice->globs.words[each] == '!';
    for (size_t each = 0; each < choice->globs.count; each++) {
        const char *glob = choice->globs.words[each];
        if (*glob != '!') chosen |= of_path(glob, path);
        else if (of_path(glob + 1, path) || of_some_directory(glob + 1, path)) chosen = false;
    }
    return chosen;
}

static char *below_of(const char *directory, const char *name) {
    char *path;
    bool here = !strcmp(directory, "");
    if (asprintf(&path, "%s%s%s", directory, here || directory[strlen(directory) - 1] == '/' ? "" : "/", name) < 0) exit(2);
    return path;
}

/* What git has and would take in below a directory; false where there is no repository. */
static bool list_by_git(const struct choice *choice, const char *directory, struct words *files) {
    struct words command = {0};
    for (const char *const *word = (const char *const[]){"git", "-C", *directory ? directory : ".", "ls-files", "-zco", "--exclude-standard", "--deduplicate", NULL}; *word; word++)
        add(&command, *word);
    FILE *output = read_from(&command, true);
    char *name = NULL;
    size_t size = 0;
    while (output && getdelim(&name, &size, '\0', output) > 0) {
        struct stat of;
        char *path = below_of(directory, name);
        bool there = !(choice->follow ? stat : lstat)(path, &of) && S_ISREG(of.st_mode);
        int slashes = 0;
        for (const char *at = name; (at = strchr(at, '/')); at++) slashes++;
        if (there && slashes < choice->depth && wanted(choice, path, name)) add(files, path);
        else free(path);
    }
    free(name);
    return output && !ended(output);
}

static int by_name(const void *one, const void *other) { return strcmp(*(char *const *)one, *(char *const *)other); }

static void walk(const struct choice *choice, const char *directory, size_t start, int depth, struct words *files) {
    DIR *open = opendir(*directory ? directory : ".");
    if (!open) return complain("%s: No such file or directory", directory);
    struct words names = {0};
    for (struct dirent *entry; (entry = readdir(open));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && (choice->hidden || *entry->d_name != '.')) add(&names, strdup(entry->d_name));
    closedir(open);
    qsort(names.words, names.count, sizeof *names.words, by_name);
    for (size_t each = 0; each < names.count; each++) {
        struct stat of;
        char *path = below_of(directory, names.words[each]);
        bool there = !(choice->follow ? stat : lstat)(path, &of), kept = false;
        if (there && S_ISDIR(of.st_mode) && depth < choice->depth) walk(choice, path, start, depth + 1, files);
        if (there && S_ISREG(of.st_mode) && depth <= choice->depth && wanted(choice, path, path + start)) add(files, path), kept = true;
        if (!kept) free(path);
        free((char *)names.words[each]);
    }
    free(names.words);
}

bool list_files(const struct choice *choice, const char *path, struct words *files) {
    struct stat of;
    if (stat(*path ? path : ".", &of)) return complain("%s: No such file or directory (os error 2)", path), false;
    size_t length = strlen(path);
    if (!S_ISDIR(of.st_mode)) add(files, path);
    else if (!choice->unignored && list_by_git(choice, path, files)) return true;
    else walk(choice, path, length + (length && path[length - 1] != '/'), 1, files);
    return true;
}
