/* wget: URLs into files, with what it does told on stderr. */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Exit codes, as wget's manual has them. */
enum { DONE = 0, OTHER = 1, BAD_USE = 2, FILE_FAILED = 3, NETWORK_FAILED = 4, TLS_FAILED = 5, AUTHENTICATION = 6, PROTOCOL = 7, SERVER_ERROR = 8 };
enum { LONG_METHOD = 256, BODY_DATA, BODY_FILE, POST_DATA, POST_FILE, HEADER, SPIDER, MAX_REDIRECT, USER, PASSWORD, ON_ERROR, RETRY_REFUSED, IGNORED, NO_TLS_CHECK, REFUSED, HELP, IGNORED_VALUE, BRIEF, NO_CLOBBER };

static struct {
    bool quiet, brief, spider, show_headers, resume, no_clobber, with_body, on_error, retry_refused, has_list;
    const char *document, *prefix, *method, *agent, *user, *password;
    struct headers headers;
    struct body body;
    long long timeout;
    int tries, redirects;
    double wait;
} settings = {.agent = "Wget (Torpor)", .tries = 20, .redirects = 20, .prefix = "."};

static const struct option OPTIONS[] = {
    {"quiet", 0, NULL, 'q'}, {"no-verbose", 0, NULL, BRIEF}, {"output-document", 1, NULL, 'O'}, {"directory-prefix", 1, NULL, 'P'}, {"server-response", 0, NULL, 'S'},
    {"header", 1, NULL, HEADER}, {"post-data", 1, NULL, POST_DATA}, {"post-file", 1, NULL, POST_FILE}, {"method", 1, NULL, LONG_METHOD}, {"body-data", 1, NULL, BODY_DATA},
    {"body-file", 1, NULL, BODY_FILE}, {"spider", 0, NULL, SPIDER}, {"continue", 0, NULL, 'c'}, {"tries", 1, NULL, 't'}, {"timeout", 1, NULL, 'T'}, {"connect-timeout", 1, NULL, 'T'},
    {"read-timeout", 1, NULL, 'T'}, {"user-agent", 1, NULL, 'U'}, {"max-redirect", 1, NULL, MAX_REDIRECT}, {"no-clobber", 0, NULL, NO_CLOBBER}, {"content-on-error", 0, NULL, ON_ERROR},
    {"retry-connrefused", 0, NULL, RETRY_REFUSED}, {"user", 1, NULL, USER}, {"http-user", 1, NULL, USER}, {"password", 1, NULL, PASSWORD}, {"http-password", 1, NULL, PASSWORD},
    {"wait", 1, NULL, 'w'}, {"verbose", 0, NULL, 'v'}, {"show-progress", 0, NULL, IGNORED}, {"progress", 1, NULL, IGNORED_VALUE}, {"https-only", 0, NULL, REFUSED},
    {"no-check-certificate", 0, NULL, NO_TLS_CHECK}, {"ca-certificate", 1, NULL, NO_TLS_CHECK}, {"recursive", 0, NULL, 'r'}, {"mirror", 0, NULL, 'm'}, {"input-file", 1, NULL, 'i'},
    {"page-requisites", 0, NULL, 'p'}, {"background", 0, NULL, 'b'}, {"timestamping", 0, NULL, 'N'}, {"output-file", 1, NULL, 'o'}, {"help", 0, NULL, HELP}, {"version", 0, NULL, 'V'},
    {"force-directories", 0, NULL, 'x'}, {"no-hsts", 0, NULL, IGNORED}, {"no-cookies", 0, NULL, IGNORED}, {"no-proxy", 0, NULL, IGNORED}, {"load-cookies", 1, NULL, REFUSED},
    {"save-cookies", 1, NULL, REFUSED}, {"content-disposition", 0, NULL, REFUSED}, {"limit-rate", 1, NULL, REFUSED}, {0},
};

static const char USAGE[] =
    "Usage: wget [OPTION]... [URL]...\nThe wget of Torpor: HTTP and HTTPS, by the runtime of the VM. Its options do what GNU wget's do:\n"
    "  -q, --quiet  -nv, --no-verbose  -O, --output-document=FILE  -P, --directory-prefix=DIR  -nc, --no-clobber  -c, --continue\n"
    "  -S, --server-response  --header=LINE  -U, --user-agent=TEXT  --user=NAME --password=TEXT  --method=NAME  --post-data=TEXT  --post-file=FILE\n"
    "  --body-data=TEXT  --body-file=FILE  --spider  --content-on-error  --max-redirect=N  -t, --tries=N  -T, --timeout=SECONDS  -w, --wait=SECONDS\n"
    "  --retry-connrefused  -i, --input-file=FILE\n";

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
    va_list arguments;
    if (settings.quiet) return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

static int misused(const char *format, const char *what) {
    complain(format, what);
    fputs("Try 'wget --help' for more options.\n", stderr);
    return BAD_USE;
}

/* One URL's way: what it became, and where its answer goes. */
struct fetch {
    char *url, *path;
    int fd;
    long long received, total, start, skip; /* `start`: what was in the file before; `skip`: what is not asked for, as it is there */
    bool again; /* another attempt may help */
};

static int failed_by(struct fetch *fetch) {
    enum torpor_http_error error = torpor_http_error();
    struct torpor_http_url parts;
    bool good = torpor_http_parse(fetch->url, &parts);
    if (error == TORPOR_HTTP_DNS_ERROR && good) say("wget: unable to resolve host address ‘%s’\n", host_of(&parts));
    else say("%s%s.\n", fetch->received ? "Read error: " : "failed: ", torpor_http_message());
    fetch->again = error == TORPOR_HTTP_CONNECTION_TERMINATED || error == TORPOR_HTTP_CONNECTION_TIMEOUT || error == TORPOR_HTTP_CONNECTION_READ_TIMEOUT ||
                   error == TORPOR_HTTP_RESPONSE_INCOMPLETE || error == TORPOR_HTTP_DNS_TIMEOUT || (error == TORPOR_HTTP_CONNECTION_REFUSED && settings.retry_refused);
    switch (error) {
        case TORPOR_HTTP_TLS_PROTOCOL_ERROR: case TORPOR_HTTP_TLS_CERTIFICATE_ERROR: case TORPOR_HTTP_TLS_ALERT_RECEIVED: return TLS_FAILED;
        case TORPOR_HTTP_PROTOCOL_ERROR: return PROTOCOL;
        case TORPOR_HTTP_BAD_URL: case TORPOR_HTTP_REQUEST_URI_INVALID: case TORPOR_HTTP_BAD_HEADER: return OTHER;
        default: return NETWORK_FAILED;
    }
}

static int open_file(struct fetch *fetch, int status) {
    /* What a broken attempt has left, and what a server without ranges sends again, is written over. */
    long long kept = fetch->skip && status == 206 ? fetch->skip : settings.resume ? 0 : fetch->start;
    struct stat of;
    if (!fetch->path) {
        fetch->fd = 1;
        return DONE;
    }
    fetch->fd = open(fetch->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0666);
    if (fetch->fd >= 0 && (fstat(fetch->fd, &of) || !S_ISREG(of.st_mode) || !ftruncate(fetch->fd, kept))) return DONE;
    say("%s: %s\n\nCannot write to ‘%s’ (%s).\n", fetch->path, strerror(errno), fetch->path, strerror(errno));
    return FILE_FAILED;
}

static int take_body(struct fetch *fetch, struct torpor_http *http, int status) {
    int code = open_file(fetch, status);
    char *piece = get(PIECE);
    ssize_t size = 0;
    double shown = seconds_now();
    bool shows = !settings.quiet && !settings.brief && isatty(2) && fetch->fd != 1;
    while (!code && (size = torpor_http_read(http, piece, PIECE)) > 0) {
        fetch->received += size;
        if (write_all(fetch->fd, piece, (size_t)size)) {
            say("Cannot write to ‘%s’ (%s).\n", fetch->path ? fetch->path : "-", strerror(errno));
            code = FILE_FAILED;
        }
        if (!shows || seconds_now() - shown < 0.2) continue;
        shown = seconds_now();
        if (fetch->total > 0) fprintf(stderr, "\r%s  %3lld%% of %lld ", fetch->path, fetch->received * 100 / fetch->total, fetch->total);
        else fprintf(stderr, "\r%s  %lld ", fetch->path, fetch->received);
    }
    if (!code && size < 0) code = failed_by(fetch);
    if (fetch->fd > 1 && close(fetch->fd) && !code) code = FILE_FAILED;
    free(piece);
    return code;
}

static void tell_answer(struct torpor_http *http, int status) {
    const struct torpor_http_header *headers;
    size_t count = torpor_http_headers(http, &headers);
    if (settings.brief && !settings.show_headers) return;
    if (!settings.show_headers) {
        say("%d %s\n", status, reason_of(status));
        return;
    }
    fprintf(stderr, "%s  HTTP/1.1 %d %s\n", settings.quiet ? "" : "\n", status, reason_of(status));
    for (size_t i = 0; i < count; i++) fprintf(stderr, "  %s: %s\n", headers[i].name, headers[i].value);
}

static struct torpor_http *ask(struct fetch *fetch, const char *method, bool with_body, bool is_first_host, int *code) {
    struct headers headers = {0};
    const char *broken;
    long long sent = 0;
    struct torpor_http_options options = {.connect_timeout = settings.timeout, .first_byte_timeout = settings.timeout, .between_bytes_timeout = settings.timeout};
    if (!has_header(&settings.headers, "user-agent")) add_header(&headers, "User-Agent", settings.agent);
    if (!has_header(&settings.headers, "accept")) add_header(&headers, "Accept", "*/*");
    char *pair = text_of("%s:%s", settings.user ? settings.user : "", settings.password ? settings.password : "");
    if (settings.user && is_first_host) add_header(&headers, "Authorization", basic(pair, strlen(pair)));
    if (fetch->skip) add_header(&headers, "Range", text_of("bytes=%lld-", fetch->skip));
    if (with_body && !has_header(&settings.headers, "content-type")) add_header(&headers, "Content-Type", "application/x-www-form-urlencoded");
    if (with_body && body_size(&settings.body) >= 0) add_header(&headers, "Content-Length", text_of("%lld", body_size(&settings.body)));
    for (size_t i = 0; i < settings.headers.count; i++) {
        const struct torpor_http_header *one = &settings.headers.items[i];
        bool secret = !strcasecmp(one->name, "authorization") || !strcasecmp(one->name, "cookie");
        if (one->value && (is_first_host || !secret)) add_header(&headers, one->name, one->value);
    }
    struct torpor_http *http = torpor_http_open(method, fetch->url, headers.items, headers.count, with_body, &options);
    *code = http ? DONE : failed_by(fetch);
    if (http && with_body && send_body(&settings.body, http, &sent, &broken) && broken) {
        say("BODY data file ‘%s’: %s\n", broken, strerror(errno));
        *code = FILE_FAILED;
    }
    return http;
}

/* One attempt, with its redirects. */
static int attempt(struct fetch *fetch) {
    const char *method = settings.method ? settings.method : settings.with_body ? "POST" : settings.spider ? "HEAD" : "GET";
    bool with_body = settings.with_body, is_first_host = true;
    fetch->received = 0;
    fetch->again = false;
    for (int hops = 0;; hops++) {
        int code;
        if (!settings.brief) say("HTTP request to %s ... ", fetch->url);
        struct torpor_http *http = ask(fetch, method, with_body, is_first_host, &code);
        int status = code ? 0 : torpor_http_status(http);
        if (status < 0) code = failed_by(fetch);
        if (code) {
            torpor_http_close(http);
            return code;
        }
        tell_answer(http, status);
        const char *location = torpor_http_header(http, "location"), *length = torpor_http_header(http, "content-length");
        if (status / 100 == 3 && status != 304 && location) {
            char *next = resolved(fetch->url, location);
            torpor_http_close(http);
            if (hops >= settings.redirects) return say("%d redirections exceeded.\n", settings.redirects), SERVER_ERROR;
            if (!settings.brief) say("Location: %s [following]\n", location);
            is_first_host &= same_origin(fetch->url, next);
            if (status < 307 && with_body) with_body = false, method = "GET";
            fetch->url = next;
            continue;
        }
        fetch->total = length && strcmp(method, "HEAD") ? atoll(length) : -1;
        if (fetch->skip && status == 416) {
            say("\n    The file is already fully retrieved; nothing to do.\n\n");
        } else if (status >= 400) {
            if (settings.brief) say("%s:\n", fetch->url);
            say("ERROR %d: %s.\n", status, reason_of(status));
            fetch->again = status == 408 || status == 429 || status == 503 || status == 504;
            code = status == 401 ? AUTHENTICATION : SERVER_ERROR;
            if (settings.on_error && !settings.resume) take_body(fetch, http, status);
        } else if (settings.spider) {
            say("Remote file exists.\n\n");
        } else {
            if (!settings.brief && fetch->total >= 0) say("Length: %lld\n", fetch->total);
            if (!settings.brief) say("Saving to: ‘%s’\n", fetch->path ? fetch->path : "STDOUT");
            code = take_body(fetch, http, status);
            if (!code) say("%s%s -> \"%s\" [%lld]\n", settings.brief ? "URL:" : "\n", fetch->url, fetch->path ? fetch->path : "-", fetch->received);
        }
        torpor_http_close(http);
        return code;
    }
}

/* With the query, as wget has it. */
static char *file_name(const char *url) {
    struct torpor_http_url parts;
    torpor_http_parse(url, &parts);
    size_t path = strcspn(parts.path, "?#"), query = strcspn(parts.path, "#") - path;
    char *name = file_name_of(url), *whole = text_of("%s%.*s", *name ? name : "index.html", (int)query, parts.path + path);
    for (char *at = whole; (at = strchr(at, '/'));) *at = '_';
    free(name);
    return whole;
}

/* The first of name, name.1, name.2 that is not there. */
static char *free_name(char *path) {
    char *candidate = path;
    for (int number = 1; !access(candidate, F_OK); number++) candidate = text_of("%s.%d", path, number);
    return candidate;
}

static int fetch_url(const char *typed) {
    struct fetch fetch = {.url = without_dots(strstr(typed, "://") ? typed : text_of("http://%s", typed)), .fd = -1};
    struct torpor_http_url parts;
    struct stat of;
    if (!torpor_http_parse(fetch.url, &parts)) {
        complain("%s: Unsupported scheme or invalid host name.", typed);
        return OTHER;
    }
    if (settings.document) {
        fetch.path = strcmp(settings.document, "-") ? (char *)settings.document : NULL;
    } else {
        char *name = file_name(fetch.url);
        fetch.path = strcmp(settings.prefix, ".") ? text_of("%s/%s", settings.prefix, name) : name;
        if (strcmp(settings.prefix, ".") && !settings.spider) make_directories_for(fetch.path);
        if (settings.no_clobber && !access(fetch.path, F_OK)) return say("File ‘%s’ already there; not retrieving.\n", fetch.path), DONE;
        if (!settings.resume && !settings.spider) fetch.path = free_name(fetch.path);
    }
    if (fetch.path && !stat(fetch.path, &of)) fetch.start = of.st_size;
    for (int number = 1;; number++) {
        if (settings.resume && fetch.path && !stat(fetch.path, &of)) fetch.skip = of.st_size;
        int code = attempt(&fetch);
        if (!fetch.path && fetch.received) return code; /* what is given cannot be taken back */
        if (!code || !fetch.again || (settings.tries && number >= settings.tries)) return code;
        int pause = number < 10 ? number : 10;
        say("Retrying.\n\n");
        poll(NULL, 0, pause * 1000);
    }
}

static int take_option(int option, struct list *urls) {
    char *name, *value;
    struct text text = {0};
    switch (option) {
        case 'q': settings.quiet = true; break;
        case 'v': settings.brief = false; break;
        case BRIEF: settings.brief = true; break;
        case NO_CLOBBER: settings.no_clobber = true; break;
        case 'O': settings.document = optarg; break;
        case 'P': settings.prefix = optarg; break;
        case 'S': settings.show_headers = true; break;
        case 'c': settings.resume = true; break;
        case 't': settings.tries = !strcmp(optarg, "inf") ? 0 : atoi(optarg); break;
        case 'T': if ((settings.timeout = nanoseconds(optarg)) < 0) return misused("--timeout: Invalid time period ‘%s’", optarg); break;
        case 'w': settings.wait = (double)nanoseconds(optarg) / 1e9; break;
        case 'U': settings.agent = optarg; break;
        case LONG_METHOD: settings.method = optarg; break;
        case USER: settings.user = optarg; break;
        case PASSWORD: settings.password = optarg; break;
        case MAX_REDIRECT: settings.redirects = atoi(optarg); break;
        case SPIDER: settings.spider = true; break;
        case ON_ERROR: settings.on_error = true; break;
        case RETRY_REFUSED: settings.retry_refused = true; break;
        case HEADER:
            if (!split_header(optarg, &name, &value)) return misused("--header: Invalid header ‘%s’", optarg);
            add_header(&settings.headers, name, value);
            break;
        case POST_DATA: case BODY_DATA:
            add_text(&text, optarg);
            add_bytes(&settings.body, text);
            settings.with_body = true;
            break;
        case POST_FILE: case BODY_FILE:
            if (!add_path(&settings.body, optarg)) return complain("BODY data file ‘%s’ missing: %s", optarg, strerror(errno)), FILE_FAILED;
            settings.with_body = true;
            break;
        case 'i':
            if (!add_file(&text, optarg)) return complain("%s: %s", optarg, strerror(errno)), FILE_FAILED;
            settings.has_list = true;
            for (char *line = strtok(text.start, "\r\n"); line; line = strtok(NULL, "\r\n")) push(urls, line);
            break;
        case NO_TLS_CHECK: return misused("%s", "TLS is the runtime's: it checks certificates, by the public authorities, and nothing in the VM changes that");
        case IGNORED: case IGNORED_VALUE: break;
        case HELP: fputs(USAGE, stdout); return -1;
        case 'V': puts("Wget of Torpor, not the GNU project's: HTTP/1.1 by the runtime of the VM"); return -1;
        case '?': return misused("%s", "this option is unknown, or its value is missing");
        default: return misused("%s", "this option is not one of those that the wget of Torpor has");
    }
    return DONE;
}

/* wget's two letters after -n are one option: -nv, -nc. */
static void spell_out(int argc, char **argv) {
    for (int at = 1; at < argc && strcmp(argv[at], "--"); at++) {
        if (!strcmp(argv[at], "-nv")) argv[at] = "--no-verbose";
        else if (!strcmp(argv[at], "-nc")) argv[at] = "--no-clobber";
    }
}

int main_wget(int argc, char **argv) {
    struct list urls = {0};
    int code, worst = DONE;
    spell_out(argc, argv);
    for (int option; (option = getopt_long(argc, argv, "qvO:P:ScT:t:w:U:i:rmpbNo:Vx", OPTIONS, NULL)) != -1;)
        if ((code = take_option(option, &urls))) return code < 0 ? 0 : code;
    for (int at = optind; at < argc; at++) push(&urls, argv[at]);
    if (!urls.count && !settings.has_list) return fputs("wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n", stderr), OTHER;
    if (settings.document && strcmp(settings.document, "-") && !settings.resume) {
        int fd = open(settings.document, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (fd < 0) return fprintf(stderr, "%s: %s\n", settings.document, strerror(errno)), OTHER;
        close(fd);
    }
    for (size_t each = 0; each < urls.count; each++) {
        if (each && settings.wait > 0) poll(NULL, 0, settings.wait > 86400 ? 86400000 : (int)(settings.wait * 1000));
        code = fetch_url(urls.items[each]);
        if (code && (!worst || code < worst)) worst = code; /* the lowest number is the most serious one */
    }
    return worst;
}
