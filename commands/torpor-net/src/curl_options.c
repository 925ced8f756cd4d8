/* The options of curl: what they are called, and what they set. */
#include "curl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum option {
    IGNORED = 1, IGNORED_VALUE, OF_TLS, OF_NETWORK, LACKING, HELP, VERSION,
    FAIL, /* from here on those of bits, in the order of FLAGS */
    SILENT, SHOW_ERROR, FAIL_WITH_BODY, FAIL_EARLY, LOCATION, LOCATION_TRUSTED, INCLUDE, HEAD, GET, VERBOSE, CREATE_DIRS, COMPRESSED,
    REMOTE_HEADER_NAME, REMOTE_NAME_ALL, PATH_AS_IS, GLOBOFF, RETRY_ALL, RETRY_REFUSED, REMOTE_NAME, NO_METER,
    /* from here on they have a value */
    MAX_REDIRS, OUTPUT, OUTPUT_DIR, METHOD, HEADER, DATA, DATA_RAW, DATA_BINARY, DATA_URLENCODE, JSON, FORM, FORM_STRING, USER, BEARER,
    AGENT, REFERER, COOKIE, COOKIE_JAR, WRITE_OUT, MAX_TIME, CONNECT_TIMEOUT, RETRY, RETRY_DELAY, RETRY_MAX_TIME, UPLOAD, DUMP_HEADER,
    URL, RANGE, RESUME, PROTOCOLS, DEFAULT_SCHEME
};

static const struct { char letter; const char *name; enum option what; bool has_value; } OPTIONS[] = {
    {'#', "progress-bar", IGNORED, false}, {'A', "user-agent", AGENT, true}, {'C', "continue-at", RESUME, true}, {'D', "dump-header", DUMP_HEADER, true},
    {'F', "form", FORM, true}, {'G', "get", GET, false}, {'H', "header", HEADER, true}, {'I', "head", HEAD, false}, {'J', "remote-header-name", REMOTE_HEADER_NAME, false},
    {'L', "location", LOCATION, false}, {'N', "no-buffer", IGNORED, false}, {'O', "remote-name", REMOTE_NAME, false}, {'S', "show-error", SHOW_ERROR, false},
    {'T', "upload-file", UPLOAD, true}, {'V', "version", VERSION, false}, {'X', "request", METHOD, true}, {'b', "cookie", COOKIE, true},
    {'c', "cookie-jar", COOKIE_JAR, true}, {'d', "data", DATA, true}, {0, "data-ascii", DATA, true}, {0, "data-binary", DATA_BINARY, true},
    {0, "data-raw", DATA_RAW, true}, {0, "data-urlencode", DATA_URLENCODE, true}, {0, "json", JSON, true}, {'e', "referer", REFERER, true},
    {'f', "fail", FAIL, false}, {0, "fail-with-body", FAIL_WITH_BODY, false}, {0, "fail-early", FAIL_EARLY, false}, {0, "form-string", FORM_STRING, true},
    {'g', "globoff", GLOBOFF, false}, {'h', "help", HELP, false}, {'i', "include", INCLUDE, false}, {0, "show-headers", INCLUDE, false}, {'m', "max-time", MAX_TIME, true},
    {0, "connect-timeout", CONNECT_TIMEOUT, true}, {0, "location-trusted", LOCATION_TRUSTED, false}, {0, "max-redirs", MAX_REDIRS, true},
    {'o', "output", OUTPUT, true}, {0, "output-dir", OUTPUT_DIR, true}, {0, "create-dirs", CREATE_DIRS, false}, {0, "remote-name-all", REMOTE_NAME_ALL, false},
    {0, "oauth2-bearer", BEARER, true}, {0, "path-as-is", PATH_AS_IS, false}, {0, "proto", PROTOCOLS, true}, {0, "proto-default", DEFAULT_SCHEME, true},
    {'r', "range", RANGE, true}, {0, "retry", RETRY, true}, {0, "retry-delay", RETRY_DELAY, true}, {0, "retry-max-time", RETRY_MAX_TIME, true},
    {0, "retry-all-errors", RETRY_ALL, false}, {0, "retry-connrefused", RETRY_REFUSED, false}, {'s', "silent", SILENT, false}, {'u', "user", USER, true},
    {0, "url", URL, true}, {'v', "verbose", VERBOSE, false}, {'w', "write-out", WRITE_OUT, true}, {0, "compressed", COMPRESSED, false},
    {'q', "disable", IGNORED, false}, {0, "basic", IGNORED, false}, {0, "http1.1", IGNORED, false}, {0, "http2", IGNORED, false},
    {0, "no-progress-meter", NO_METER, false}, {0, "no-keepalive", IGNORED, false}, {0, "keepalive-time", IGNORED_VALUE, true}, {0, "tlsv1.2", IGNORED, false},
    {0, "tlsv1.3", OF_TLS, false}, {'1', "tlsv1", IGNORED, false}, {0, "ssl-reqd", IGNORED, false}, {'M', "manual", HELP, false},
    {'k', "insecure", OF_TLS, false}, {0, "cacert", OF_TLS, true}, {0, "capath", OF_TLS, true}, {'E', "cert", OF_TLS, true}, {0, "key", OF_TLS, true},
    {0, "ciphers", OF_TLS, true}, {0, "pinnedpubkey", OF_TLS, true}, {0, "tls-max", OF_TLS, true}, {0, "ca-native", OF_TLS, false},
    {'4', "ipv4", OF_NETWORK, false}, {'6', "ipv6", OF_NETWORK, false}, {'x', "proxy", OF_NETWORK, true}, {'U', "proxy-user", OF_NETWORK, true},
    {0, "noproxy", OF_NETWORK, true}, {0, "socks5", OF_NETWORK, true}, {0, "socks5-hostname", OF_NETWORK, true}, {0, "interface", OF_NETWORK, true},
    {0, "resolve", OF_NETWORK, true}, {0, "connect-to", OF_NETWORK, true}, {0, "dns-servers", OF_NETWORK, true}, {0, "doh-url", OF_NETWORK, true},
    {0, "unix-socket", OF_NETWORK, true}, {0, "local-port", OF_NETWORK, true}, {'0', "http1.0", OF_NETWORK, false}, {0, "http2-prior-knowledge", OF_NETWORK, false},
    {0, "http3", OF_NETWORK, false}, {'K', "config", LACKING, true}, {'n', "netrc", LACKING, false}, {0, "netrc-file", LACKING, true},
    {'Z', "parallel", LACKING, false}, {':', "next", LACKING, false}, {0, "limit-rate", LACKING, true}, {'y', "speed-time", LACKING, true},
    {'Y', "speed-limit", LACKING, true}, {'z', "time-cond", LACKING, true}, {'R', "remote-time", LACKING, false}, {0, "digest", LACKING, false},
    {0, "ntlm", LACKING, false}, {0, "negotiate", LACKING, false}, {0, "anyauth", LACKING, false}, {0, "aws-sigv4", LACKING, true},
    {0, "max-filesize", LACKING, true}, {0, "etag-save", LACKING, true}, {0, "etag-compare", LACKING, true}, {0, "trace", LACKING, true},
    {0, "trace-ascii", LACKING, true}, {'j', "junk-session-cookies", LACKING, false}, {'a', "append", LACKING, false}, {0, "stderr", LACKING, true},
    {0, "skip-existing", LACKING, false}, {0, "url-query", LACKING, true}, {0, "post301", LACKING, false}, {0, "post302", LACKING, false}, {0, "post303", LACKING, false},
};
enum { COUNT = sizeof OPTIONS / sizeof *OPTIONS };

static const char *why_not(enum option what) {
    switch (what) {
        case OF_TLS: return "TLS is the runtime's: it checks certificates, by the public authorities, and nothing in the VM changes that";
        case OF_NETWORK: return "the runtime looks names up and connects, under the VM's network.allow, by HTTP/1.1 and without a proxy";
        default: return "it is not one of the options that the curl of Torpor has (curl --help)";
    }
}

void print_options(void) {
    for (int each = 0; each < COUNT; each++) {
        enum option what = OPTIONS[each].what;
        if (what == IGNORED || what == IGNORED_VALUE || what == OF_TLS || what == OF_NETWORK || what == LACKING) continue;
        printf(OPTIONS[each].letter ? " -%c, " : "     ", OPTIONS[each].letter);
        printf("--%s%s\n", OPTIONS[each].name, OPTIONS[each].has_value ? " <value>" : "");
    }
}

static int help(void) {
    puts("Usage: curl [options...] <url>\nThe curl of Torpor: HTTP and HTTPS, by the runtime of the VM. Its options do what curl's do:");
    print_options();
    return -1;
}

static int version(void) {
    puts("curl of Torpor, not the curl project's: HTTP/1.1 by the runtime of the VM\nProtocols: http https\nFeatures: cookies gzip (by the gzip command)");
    return -1;
}

static int misused(const char *format, const char *what) {
    complain(format, what);
    fputs("curl: try 'curl --help' for more information\n", stderr);
    return BAD_USE;
}

static int unreadable(const char *path) {
    complain("option: error encountered when reading a file: %s", path);
    return READ_FAILED;
}

/* Adds data: more of it comes behind an ampersand, but for JSON. */
static void add_data(struct settings *settings, const struct text *more, bool joined) {
    if (settings->has_data && joined) add_text(&settings->data, "&");
    settings->has_data = true;
    add(&settings->data, more->start ? more->start : "", more->size);
}

static int take_data(struct settings *settings, enum option what, const char *value) {
    struct text more = {0};
    bool from_file = *value == '@' && what != DATA_RAW;
    if (what == DATA_URLENCODE) {
        size_t name = strcspn(value, "=@");
        struct text content = {0};
        if (value[name] == '@' && !add_file(&content, value + name + 1)) return unreadable(value + name + 1);
        if (value[name] == '=') add_text(&content, value + name + 1);
        if (!value[name]) add_text(&content, value), name = 0;
        if (name) add_format(&more, "%.*s=", (int)name, value);
        for (size_t i = 0; i < content.size; i++) {
            if (content.start[i] == ' ') add_text(&more, "+");
            else add_encoded(&more, content.start + i, 1);
        }
    } else if (from_file && !add_file(&more, value + 1)) {
        return unreadable(value + 1);
    } else if (!from_file) {
        add_text(&more, value);
    } else if (what == DATA) {
        size_t kept = 0;
        for (size_t i = 0; i < more.size; i++)
            if (!memchr("\r\n", more.start[i], 3)) more.start[kept++] = more.start[i];
        more.size = kept;
    }
    add_data(settings, &more, what != JSON);
    settings->json |= what == JSON;
    return DONE;
}

/* A part of a multipart form: name=value, name=@file, name=<file, with ;type= and ;filename= behind it. */
static int take_form(struct settings *settings, const char *value, bool literal) {
    const char *equals = strchr(value, '=');
    if (!equals || equals == value) return misused("Illegally formatted input field: %s", value);
    uint64_t random[2] = {0};
    if (!settings->form_type && !getentropy(random, sizeof random)) settings->form_type = text_of("----%016llx%016llx", random[0], random[1]);
    const char *content = equals + 1, *type = NULL, *name = NULL;
    char *path = NULL;
    bool is_file = !literal && (*content == '@' || *content == '<'), quoted = !literal && *content == '"';
    size_t size = is_file ? strcspn(content, ";") : strlen(content);
    if (quoted)
        for (size = 1; content[size] && content[size] != '"'; size++) size += content[size] == '\\' && content[size + 1];
    if (quoted && content[size]) size++;
    const char *extra = content + size;
    if (!is_file && !literal && !quoted)
        for (const char *at = content; (at = strchr(at, ';')); at++)
            if (!strncmp(at, ";type=", 6) || !strncmp(at, ";filename=", 10)) { size = (size_t)(at - content); extra = at; break; }
    while (*extra == ';') {
        size_t length = strcspn(extra + 1, ";");
        char *one = copy(extra + 1, length);
        if (!strncmp(one, "type=", 5)) type = one + 5;
        else if (!strncmp(one, "filename=", 9)) name = one + 9;
        extra += length + 1;
    }
    if (is_file) path = copy(content + 1, size - 1);
    struct text head = {0};
    add_format(&head, "%s--%s\r\nContent-Disposition: form-data; name=\"%.*s\"", settings->form.count ? "\r\n" : "", settings->form_type, (int)(equals - value), value);
    if (is_file && *content == '@' && !name) name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (name) add_format(&head, "; filename=\"%s\"", name);
    if (!type && is_file && *content == '@') {
        const char *dot = strrchr(name, '.');
        type = !dot ? NULL : !strcasecmp(dot, ".txt") ? "text/plain" : !strcasecmp(dot, ".html") ? "text/html" : !strcasecmp(dot, ".json") ? "application/json"
             : !strcasecmp(dot, ".png") ? "image/png" : !strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg") ? "image/jpeg" : !strcasecmp(dot, ".pdf") ? "application/pdf" : NULL;
        if (!type) type = "application/octet-stream";
    }
    if (type) add_format(&head, "\r\nContent-Type: %s", type);
    add_text(&head, "\r\n\r\n");
    for (size_t i = 0; !is_file && i < size; i++) {
        if (quoted && (i == 0 || content[i] == '"')) continue;
        if (quoted && content[i] == '\\' && i + 1 < size) i++;
        add(&head, content + i, 1);
    }
    add_bytes(&settings->form, head);
    return path && !add_path(&settings->form, path) ? unreadable(path) : DONE;
}

static int take_header(struct settings *settings, const char *line) {
    char *name, *value;
    if (*line == '@') {
        struct text lines = {0};
        if (!add_file(&lines, line + 1)) return unreadable(line + 1);
        for (char *at = strtok(lines.start, "\r\n"); at; at = strtok(NULL, "\r\n"))
            if (split_header(at, &name, &value)) add_header(&settings->headers, name, value);
    } else if (split_header(line, &name, &value)) {
        add_header(&settings->headers, name, value);
    }
    return DONE;
}

/* "=https", "http,https", "-all,https", "+https": which of the two may be used. */
static void choose_protocols(struct settings *settings, const char *list) {
    bool fresh = *list != '+' && *list != '-';
    if (fresh) settings->http_allowed = settings->https_allowed = false;
    char *words = copy(list, strlen(list));
    for (char *word = strtok(words, ","); word; word = strtok(NULL, ",")) {
        if (*word == '=') settings->http_allowed = settings->https_allowed = false;
        bool on = *word != '-';
        const char *name = word + strspn(word, "=+-");
        if (!strcmp(name, "http") || !strcmp(name, "all")) settings->http_allowed = on;
        if (!strcmp(name, "https") || !strcmp(name, "all")) settings->https_allowed = on;
    }
    free(words);
}

static int take_number(const char *name, const char *value, long least, int *to) {
    char *rest;
    long number = strtol(value, &rest, 10);
    if (rest == value || *rest || number < least || number > 1000000) {
        char *option = text_of("option --%s: expected a proper numerical parameter", name);
        return misused("%s", option);
    }
    *to = (int)number;
    return DONE;
}

static int take_time(const char *name, const char *value, long long *to) {
    *to = nanoseconds(value);
    if (*to >= 0) return DONE;
    char *option = text_of("option --%s: expected a proper numerical parameter", name);
    return misused("%s", option);
}

static int take_value(struct settings *settings, const char *name, enum option what, const char *value) {
    struct text file = {0};
    switch (what) {
        case MAX_REDIRS: return take_number(name, value, -1, &settings->max_redirects);
        case RETRY: return take_number(name, value, 0, &settings->retries);
        case MAX_TIME: return take_time(name, value, &settings->max_time);
        case CONNECT_TIMEOUT: return take_time(name, value, &settings->connect_timeout);
        case RETRY_DELAY: return take_time(name, value, &settings->retry_delay);
        case RETRY_MAX_TIME: return take_time(name, value, &settings->retry_max_time);
        case DATA: case DATA_RAW: case DATA_BINARY: case DATA_URLENCODE: case JSON: return take_data(settings, what, value);
        case FORM: return take_form(settings, value, false);
        case FORM_STRING: return take_form(settings, value, true);
        case HEADER: return take_header(settings, value);
        case PROTOCOLS: choose_protocols(settings, value); break;
        case OUTPUT: push(&settings->outputs, copy(value, strlen(value))); break;
        case UPLOAD: push(&settings->uploads, copy(value, strlen(value))); break;
        case URL: push(&settings->urls, copy(value, strlen(value))); break;
        case OUTPUT_DIR: settings->output_dir = value; break;
        case METHOD: settings->method = value; break;
        case USER: settings->user = value; break;
        case BEARER: settings->bearer = value; break;
        case AGENT: settings->agent = value; break;
        case DUMP_HEADER: settings->dump_header = value; break;
        case RANGE: settings->range = value; break;
        case RESUME: settings->resume = value; break;
        case DEFAULT_SCHEME: settings->default_scheme = value; break;
        case COOKIE_JAR: settings->cookie_jar = value; settings->cookies_on = true; break;
        case REFERER:
            settings->auto_referer = strlen(value) >= 5 && !strcmp(value + strlen(value) - 5, ";auto");
            settings->referer = copy(value, strlen(value) - (settings->auto_referer ? 5 : 0));
            break;
        case COOKIE:
            if (strchr(value, '=')) settings->cookie = settings->cookie ? text_of("%s; %s", settings->cookie, value) : value;
            else if (*value) load_cookies(value);
            settings->cookies_on |= !strchr(value, '=');
            break;
        case WRITE_OUT:
            if (*value == '@' && !add_file(&file, value + 1)) return unreadable(value + 1);
            settings->write_out = *value == '@' ? file.start : value;
            break;
        default: break;
    }
    return DONE;
}

static int take_flag(struct settings *settings, enum option what, bool on) {
    bool *const FLAGS[] = {
        &settings->fail, &settings->silent, &settings->show_error, &settings->fail_with_body, &settings->fail_early, &settings->follow,
        &settings->trusted, &settings->include, &settings->head, &settings->get_with_data, &settings->verbose, &settings->create_dirs,
        &settings->compressed, &settings->remote_header_name, &settings->remote_name_all, &settings->path_as_is, &settings->globoff,
        &settings->retry_all, &settings->retry_refused};
    if (what == HELP) return help();
    if (what == VERSION) return version();
    if (what == REMOTE_NAME) push(&settings->outputs, NULL);
    else if (what == NO_METER) settings->no_meter = on;
    else if (what != IGNORED) *FLAGS[what - FAIL] = on;
    if (what == LOCATION_TRUSTED) settings->follow |= on;
    return DONE;
}

static int find(char letter, const char *name) {
    for (int each = 0; each < COUNT; each++)
        if (name ? !strcmp(OPTIONS[each].name, name) : OPTIONS[each].letter == letter) return each;
    return -1;
}

static int refuse(const char *said, enum option what) {
    char *line = text_of("option %s: %s", said, why_not(what));
    return misused("%s", line);
}

/* An option in `said`, as it is typed; its value is `value`. */
static int take(struct settings *settings, int each, const char *said, const char *value, bool on) {
    enum option what = OPTIONS[each].what;
    if (what == OF_TLS || what == OF_NETWORK || what == LACKING) return refuse(said, what);
    if (OPTIONS[each].has_value) return take_value(settings, OPTIONS[each].name, what, value);
    return take_flag(settings, what, on);
}

static int take_long(struct settings *settings, char **argv, int *at) {
    const char *said = argv[*at];
    int each = find(0, said + 2);
    bool on = each >= 0;
    if (!on && !strncmp(said, "--no-", 5)) each = find(0, said + 5);
    if (each < 0 || (!on && OPTIONS[each].has_value)) return misused("option %s: is unknown", said);
    const char *value = NULL;
    if (OPTIONS[each].has_value && !(value = argv[++*at])) return misused("option %s: requires parameter", said);
    return take(settings, each, said, value, on);
}

static int take_letters(struct settings *settings, char **argv, int *at) {
    for (const char *letter = argv[*at] + 1; *letter; letter++) {
        char said[] = {'-', *letter, 0};
        int each = find(*letter, NULL), code;
        if (each < 0) return misused("option %s: is unknown", said);
        if (!OPTIONS[each].has_value) {
            if ((code = take(settings, each, said, NULL, true))) return code;
            continue;
        }
        const char *value = letter[1] ? letter + 1 : argv[++*at];
        return value ? take(settings, each, said, value, true) : misused("option %s: requires parameter", said);
    }
    return DONE;
}

int read_options(int argc, char **argv, struct settings *settings) {
    *settings = (struct settings){.max_redirects = 50, .http_allowed = true, .https_allowed = true, .agent = "curl/8 (Torpor)", .default_scheme = "http"};
    bool options = true;
    for (int at = 1; at < argc; at++) {
        int code = DONE;
        if (!options || argv[at][0] != '-' || !argv[at][1]) push(&settings->urls, argv[at]);
        else if (!strcmp(argv[at], "--")) options = false;
        else if (argv[at][1] == '-') code = take_long(settings, argv, &at);
        else code = take_letters(settings, argv, &at);
        if (code) return code;
    }
    if (!settings->urls.count) return misused("%s", "(2) no URL specified");
    if (settings->fail && settings->fail_with_body) return misused("%s", "You must select either --fail or --fail-with-body, not both.");
    int chosen = (settings->has_data && !settings->get_with_data) + (settings->form.count > 0) + (settings->uploads.count > 0) + settings->head;
    if (settings->form.count) {
        char *end = text_of("\r\n--%s--\r\n", settings->form_type);
        add_bytes(&settings->form, (struct text){.start = end, .size = strlen(end)});
    }
    if (chosen > 1) return misused("%s", "You can only select one HTTP request method!");
    if (settings->user && !strchr(settings->user, ':')) return misused("option -u: the password is not asked for here; give it: %s:password", settings->user);
    return DONE;
}
