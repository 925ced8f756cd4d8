/* What git says of a remote: http.* of its configuration, and credentials from its helpers. */
#include "git.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

extern char **environ;

static char *asked_user, *asked_password; /* of which `credentials` was made */

bool start_child(struct child *child, char **words) {
    int in[2], out[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) die("no pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    int error = posix_spawnp(&child->pid, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    child->in = in[1];
    child->out = out[0];
    if (error) {
        close(child->in);
        close(child->out);
    }
    return !error;
}

int wait_for_child(struct child *child) {
    int status = -1;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* What git prints with these arguments and this for its stdin; empty where it fails. */
static struct text run_git(char **words, const char *input) {
    struct child child;
    struct text said = {0};
    if (!start_child(&child, words)) return said;
    write_all(child.in, input, strlen(input));
    close(child.in);
    add(&said, "", 0);
    bool good = add_all(&said, child.out);
    close(child.out);
    if (wait_for_child(&child) || !good) said.size = 0, *said.start = 0;
    return said;
}

/* How much of a URL the pattern of an http.PATTERN.name names: as gitconfig has it, but without wildcards; -1 for another one. */
static int matched(const char *pattern, size_t size, const char *url) {
    char *text = copy(pattern, size);
    struct torpor_http_url of, parts;
    int length = -1;
    if (torpor_http_parse(text, &of) && torpor_http_parse(url, &parts) && same_origin(text, url)) {
        size_t path = of.path_size;
        while (path && of.path[path - 1] == '/') path--;
        if (path <= parts.path_size && !strncmp(of.path, parts.path, path) && (path == parts.path_size || !path || parts.path[path] == '/')) length = (int)path + 1;
    }
    free(text);
    return length;
}

static void take_setting(struct remote *remote, const char *name, const char *value) {
    char *field, *content;
    if (!strcasecmp(name, "extraheader")) {
        if (!*value) remote->extra.count = 0; /* an empty one takes back those before it */
        else if (split_header(value, &field, &content) && content) add_header(&remote->extra, field, content);
    } else if (!strcasecmp(name, "followredirects")) {
        remote->follows = strcasecmp(value, "false");
    }
}

static void read_configuration(struct remote *remote) {
    char *words[] = {"git", "config", "-z", "--get-regexp", "^http\\..*(extraheader|followredirects)$", NULL};
    struct text all = run_git(words, "");
    int best[2] = {0, 0}; /* how much the setting in force names, of each kind */
    for (const char *entry = all.start; entry && entry < all.start + all.size; entry += strlen(entry) + 1) {
        size_t key = strcspn(entry, "\n");
        const char *value = entry[key] ? entry + key + 1 : "true";
        size_t dot = key;
        while (dot && entry[dot - 1] != '.') dot--;
        char *name = copy(entry + dot, key - dot);
        int length = dot > 6 ? matched(entry + 5, dot - 6, remote->url) : 0, *before = &best[!strcasecmp(name, "followredirects")];
        if (length >= *before) {
            *before = length;
            take_setting(remote, name, value);
        }
        free(name);
    }
    free(all.start);
}

char *without_user(const char *url) {
    struct torpor_http_url parts;
    torpor_http_parse(url, &parts);
    return text_of("%s://%.*s%.*s", parts.secure ? "https" : "http", (int)parts.authority_size, parts.authority, (int)parts.path_size, parts.path);
}

void aim(struct remote *remote, char *asked) {
    struct torpor_http_url parts;
    if (!torpor_http_parse(asked, &parts)) die("'%s' is no http or https URL", asked);
    char *user = decoded(parts.user ? parts.user : "", parts.user_size);
    if (strpbrk(asked, "\r\n") || strpbrk(user, "\r\n") || (parts.user && memmem(parts.user, parts.user_size, "%00", 3)))
        die("the URL has a line end or a NUL in it, by which git's credential helpers could be asked for those of another host");
    free(user);
    remote->asked = asked;
    remote->url = without_user(asked);
    for (size_t size = strlen(remote->url); size && remote->url[size - 1] == '/'; size--) remote->url[size - 1] = 0;
    remote->credentials = asked_user = asked_password = NULL;
    remote->extra.count = 0;
    read_configuration(remote);
}

static struct text credential_input(const struct remote *remote) {
    struct torpor_http_url parts;
    struct text input = {0};
    torpor_http_parse(remote->url, &parts);
    add_format(&input, "protocol=%s\nhost=%.*s\n", parts.secure ? "https" : "http", (int)parts.authority_size, parts.authority);
    if (parts.path_size > 1) add_format(&input, "path=%.*s\n", (int)parts.path_size - 1, parts.path + 1);
    return input;
}

static char *line_of(const struct text *said, const char *name) {
    size_t size = strlen(name);
    for (const char *line = said->start; line && *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n'))
        if (!strncmp(line, name, size) && line[size] == '=') return copy(line + size + 1, strcspn(line + size + 1, "\n"));
    return NULL;
}

static void use_credentials(struct remote *remote) {
    char *pair = text_of("%s:%s", asked_user, asked_password);
    remote->credentials = basic(pair, strlen(pair));
    free(pair);
}

bool ask_for_credentials(struct remote *remote, struct torpor_http *answer) {
    char *words[] = {"git", "credential", "fill", NULL};
    struct text input = credential_input(remote);
    struct torpor_http_url asked;
    if (torpor_http_parse(remote->asked, &asked) && asked.user) {
        const char *colon = memchr(asked.user, ':', asked.user_size);
        size_t size = colon ? (size_t)(colon - asked.user) : asked.user_size;
        asked_user = decoded(asked.user, size);
        asked_password = colon ? decoded(colon + 1, asked.user_size - size - 1) : NULL;
        if (asked_password && !remote->credentials) return use_credentials(remote), true;
        add_format(&input, "username=%s\n", asked_user);
    }
    const struct torpor_http_header *headers;
    size_t count = torpor_http_headers(answer, &headers);
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(headers[i].name, "www-authenticate")) add_format(&input, "wwwauth[]=%s\n", headers[i].value);
    add_text(&input, "\n");
    struct text said = run_git(words, input.start);
    char *user = line_of(&said, "username"), *password = line_of(&said, "password");
    if (!user || !password) return false;
    asked_user = user;
    asked_password = password;
    use_credentials(remote);
    return true;
}

static void tell(struct remote *remote, char *what) {
    char *words[] = {"git", "credential", what, NULL};
    struct text input = credential_input(remote);
    if (!asked_password) return;
    add_format(&input, "username=%s\npassword=%s\n\n", asked_user, asked_password);
    free(run_git(words, input.start).start);
    asked_password = NULL;
}

void approve_credentials(struct remote *remote) { tell(remote, "approve"); }

void reject_credentials(struct remote *remote) { tell(remote, "reject"); }
