/* The requests of git's smart HTTP: the discovery of a service, and one POST for each of what it is asked. */
#include "git.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* As http.postBuffer has it: what is smaller is kept, and can be sent again with credentials; what is larger goes out as it comes. */
enum { POST_BUFFER = 1024 * 1024, LARGEST_LINE = 65520, DIGITS = 4, MOST_REDIRECTS = 20 };

/* How much of the answer to a discovery is taken: a million refs and more. */
enum { MOST_REFS = 256 * 1024 * 1024 };

static struct headers headers_for(const struct remote *remote, int version) {
    struct headers headers = {0};
    add_header(&headers, "User-Agent", "git/2 (Torpor)");
    if (version) add_header(&headers, "Git-Protocol", text_of("version=%d", version));
    if (remote->credentials) add_header(&headers, "Authorization", remote->credentials);
    for (size_t i = 0; i < remote->extra.count; i++) {
        if (remote->credentials && !strcasecmp(remote->extra.items[i].name, "authorization")) continue;
        add_header(&headers, remote->extra.items[i].name, remote->extra.items[i].value);
    }
    return headers;
}

_Noreturn static void die_by_http(const struct remote *remote) { die("unable to access '%s/': %s", remote->url, torpor_http_message()); }

/* What to do with a status that is no answer: true to try again, with other credentials. */
static bool try_again(struct remote *remote, struct torpor_http *http, int status) {
    if (status == 401) {
        bool had = remote->credentials != NULL;
        if (had) reject_credentials(remote);
        if (had || !ask_for_credentials(remote, http)) die("Authentication failed for '%s/'", remote->url);
        return true;
    }
    if (status == 404) die("repository '%s/' not found", remote->url);
    if (status != 200) die("unable to access '%s/': The requested URL returned error: %d", remote->url, status);
    return false;
}

/* A redirect moves the whole repository: what was behind its URL has to be behind the new one, too. */
static void move(struct remote *remote, const char *asked, const char *location, const char *tail) {
    char *next = resolved(asked, location);
    size_t size = strlen(next), end = strlen(tail);
    struct torpor_http_url parts;
    if (size <= end || strcmp(next + size - end, tail) || !torpor_http_parse(next, &parts)) die("unable to update url base from redirection:\n  asked for: %s\n   redirect: %s", asked, next);
    next[size - end] = 0;
    if (same_origin(remote->url, next)) remote->url = without_user(next);
    else aim(remote, next);
}

static struct text answer_of(struct torpor_http *http, const struct remote *remote) {
    struct text all = {0};
    char *piece = get(PIECE);
    ssize_t size;
    add(&all, "", 0);
    while ((size = torpor_http_read(http, piece, PIECE)) > 0) {
        if (all.size + (size_t)size > MOST_REFS) die("the answer of '%s/' is larger than %d MiB", remote->url, MOST_REFS >> 20);
        add(&all, piece, (size_t)size);
    }
    if (size < 0) die_by_http(remote);
    free(piece);
    return all;
}

struct text discover(struct remote *remote, const char *service, int version) {
    char *tail = text_of("/info/refs?service=%s", service), *expected = text_of("application/x-%s-advertisement", service);
    for (int hops = 0;;) {
        char *url = text_of("%s%s", remote->url, tail);
        struct headers headers = headers_for(remote, version);
        struct torpor_http *http = torpor_http_open("GET", url, headers.items, headers.count, false, NULL);
        int status = http ? torpor_http_status(http) : -1;
        if (status < 0) die_by_http(remote);
        const char *location = torpor_http_header(http, "location"), *type = torpor_http_header(http, "content-type");
        if (status / 100 == 3 && location && remote->follows && hops++ < MOST_REDIRECTS) {
            move(remote, url, location, tail);
            if (remote->verbosity >= 0) fprintf(stderr, "warning: redirecting to %s/\n", remote->url);
        } else if (!try_again(remote, http, status)) {
            if (!type || strcasecmp(type, expected)) die("%s/ does not speak git's smart HTTP, but sends %s", remote->url, type ? type : "something without a type");
            struct text all = answer_of(http, remote);
            torpor_http_close(http);
            approve_credentials(remote);
            return all;
        }
        torpor_http_close(http);
    }
}

static bool read_fully(int from, char *to, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t now = read(from, to + done, size - done);
        if (now < 0 && errno == EINTR) continue;
        if (now <= 0) {
            if (done || now < 0) die("git has ended in the middle of a line");
            return false;
        }
        done += (size_t)now;
    }
    return true;
}

/* Reads a pkt-line: its whole size, with its length before it; 0 at the end. `special`: it is one of the lines without content. */
static size_t read_line(int from, char *line, bool *special) {
    if (!read_fully(from, line, DIGITS)) return 0;
    char digits[DIGITS + 1] = {0}, *rest;
    memcpy(digits, line, DIGITS);
    unsigned long size = strtoul(digits, &rest, 16);
    *special = size < DIGITS;
    if (*rest || size > LARGEST_LINE) die("git has sent a line of a bad length: %s", digits);
    if (size > DIGITS && !read_fully(from, line + DIGITS, size - DIGITS)) die("git has ended in the middle of a line");
    return *special ? DIGITS : size;
}

struct request {
    struct remote *remote;
    const char *service;
    int version;
    bool framed, ended; /* the flush has been read */
    int from;
    struct text kept;
    char *line;
};

/* More of the body, behind what is kept of it; false at its end. */
static bool read_more(struct request *request) {
    bool special;
    size_t size = request->ended ? 0 : read_line(request->from, request->line, &special);
    if (!size && !request->ended && request->kept.size) die("git has ended in the middle of a request");
    if (!size) return false;
    request->ended = special && !memcmp(request->line, "0000", DIGITS);
    size_t skipped = request->framed ? 0 : DIGITS;
    add(&request->kept, request->line + skipped, size - skipped);
    return true;
}

static struct torpor_http *open_post(struct request *request, bool with_length) {
    struct remote *remote = request->remote;
    struct headers headers = headers_for(remote, request->version);
    add_header(&headers, "Content-Type", text_of("application/x-%s-request", request->service));
    add_header(&headers, "Accept", text_of("application/x-%s-result", request->service));
    if (with_length) add_header(&headers, "Content-Length", text_of("%zu", request->kept.size));
    char *url = text_of("%s/%s", remote->url, request->service);
    struct torpor_http *http = torpor_http_open("POST", url, headers.items, headers.count, true, NULL);
    if (!http) die_by_http(remote);
    return http;
}

/* Sends what is kept; again with credentials where the server wants some. */
static struct torpor_http *send_kept(struct request *request) {
    for (;;) {
        struct torpor_http *http = open_post(request, true);
        torpor_http_write(http, request->kept.start, request->kept.size);
        int status = torpor_http_status(http);
        if (status < 0) die_by_http(request->remote);
        if (!try_again(request->remote, http, status)) return http;
        torpor_http_close(http);
    }
}

/* Sends a body that is too large to be kept: first a request that asks for nothing, by which credentials are found. */
static struct torpor_http *send_stream(struct request *request) {
    struct text large = request->kept;
    request->kept = (struct text){.start = "0000", .size = DIGITS};
    torpor_http_close(send_kept(request));
    request->kept = large;
    struct torpor_http *http = open_post(request, false);
    do {
        if (torpor_http_write(http, request->kept.start, request->kept.size)) break; /* the status says why */
        request->kept.size = 0;
    } while (read_more(request));
    int status = torpor_http_status(http);
    if (status < 0) die_by_http(request->remote);
    if (status != 200) die("unable to access '%s/': The requested URL returned error: %d", request->remote->url, status);
    return http;
}

bool post(struct remote *remote, const char *service, int version, int from, bool framed, int to) {
    struct request request = {.remote = remote, .service = service, .version = version, .framed = framed, .from = from, .line = get(LARGEST_LINE + DIGITS)};
    if (!read_more(&request)) return false;
    if (request.ended && !framed) return false; /* a flush alone: no more requests */
    while (!request.ended && request.kept.size < POST_BUFFER && read_more(&request)) continue;
    struct torpor_http *http = request.ended ? send_kept(&request) : send_stream(&request);
    char *piece = get(PIECE), *expected = text_of("application/x-%s-result", service);
    const char *type = torpor_http_header(http, "content-type");
    if (!type || strcasecmp(type, expected)) die("'%s/' answers a %s with %s", remote->url, service, type ? type : "something without a type");
    ssize_t size;
    while ((size = torpor_http_read(http, piece, PIECE)) > 0)
        if (write_all(to, piece, (size_t)size)) die("git has stopped reading: %s", strerror(errno));
    if (size < 0) die_by_http(remote);
    torpor_http_close(http);
    free(request.kept.start);
    free(request.line);
    free(piece);
    return true;
}
