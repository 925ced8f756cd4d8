/* URLs: references, origins, names of files. */
#include "net.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A path without dots (RFC 3986, 5.2.4), in its place. */
static void remove_dots(char *path, size_t size) {
    char *to = path, *end = path + size;
    for (char *at = path; at < end;) {
        size_t piece = 1;
        while (at + piece < end && at[piece] != '/') piece++;
        bool last = at + piece == end;
        if (piece == 2 && at[1] == '.') {
            if (last) *to++ = '/';
        } else if (piece == 3 && at[1] == '.' && at[2] == '.') {
            while (to > path && *--to != '/') continue;
            if (last) *to++ = '/';
        } else {
            memmove(to, at, piece);
            to += piece;
        }
        at += piece;
    }
    memset(to, 0, (size_t)(end - to));
}

char *without_dots(const char *url) {
    struct torpor_http_url parts;
    if (!torpor_http_parse(url, &parts) || !parts.path_size || *parts.path != '/') return copy(url, strlen(url));
    size_t path = strcspn(parts.path, "?#");
    char *clean = copy(parts.path, path);
    remove_dots(clean, path);
    char *made = text_of("%.*s%s%s", (int)(parts.path - url), url, clean, parts.path + path);
    free(clean);
    return made;
}

static bool has_scheme(const char *reference) {
    size_t size = strcspn(reference, ":/?#");
    return size && reference[size] == ':';
}

char *resolved(const char *base, const char *reference) {
    struct torpor_http_url parts;
    if (has_scheme(reference) || !torpor_http_parse(base, &parts)) return copy(reference, strlen(reference));
    if (!strncmp(reference, "//", 2)) return text_of("%s:%s", parts.secure ? "https" : "http", reference);
    int before = (int)(parts.path - base);
    size_t path = strcspn(parts.path, "?#"), query = strcspn(parts.path, "#");
    if (*reference == '/') path = 0;
    else if (*reference == '?' || !*reference) path = *reference ? path : query;
    else while (path && parts.path[path - 1] != '/') path--;
    bool slash = !path && *reference && *reference != '/' && *reference != '?';
    char *whole = text_of("%.*s%.*s%s%s", before, base, (int)path, parts.path, slash ? "/" : "", reference);
    char *made = without_dots(whole);
    free(whole);
    return made;
}

int port_of(const struct torpor_http_url *url) {
    const char *end = url->authority + url->authority_size, *at = end;
    while (at > url->authority && at[-1] >= '0' && at[-1] <= '9') at--;
    if (at > url->authority && at < end && at[-1] == ':') return atoi(at);
    return url->secure ? 443 : 80;
}

char *host_of(const struct torpor_http_url *url) {
    size_t size = url->authority_size;
    if (*url->authority == '[') {
        const char *end = memchr(url->authority, ']', size);
        if (end) return copy(url->authority, (size_t)(end + 1 - url->authority));
    }
    const char *colon = memchr(url->authority, ':', size);
    return copy(url->authority, colon ? (size_t)(colon - url->authority) : size);
}

bool same_origin(const char *one, const char *other) {
    struct torpor_http_url a, b;
    if (!torpor_http_parse(one, &a) || !torpor_http_parse(other, &b)) return false;
    char *host_a = host_of(&a), *host_b = host_of(&b);
    bool same = a.secure == b.secure && port_of(&a) == port_of(&b) && !strcasecmp(host_a, host_b);
    free(host_a);
    free(host_b);
    return same;
}

char *file_name_of(const char *url) {
    struct torpor_http_url parts;
    if (!torpor_http_parse(url, &parts)) return copy("", 0);
    size_t end = strcspn(parts.path, "?#"), start = end;
    while (start && parts.path[start - 1] != '/') start--;
    return copy(parts.path + start, end - start);
}

/* The phrases of RFC 9110, 15, and of RFC 6585: the runtime does not tell the ones that were sent. */
const char *reason_of(int status) {
    static const struct { int status; const char *reason; } REASONS[] = {
        {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {203, "Non-Authoritative Information"}, {204, "No Content"},
        {205, "Reset Content"}, {206, "Partial Content"}, {300, "Multiple Choices"}, {301, "Moved Permanently"}, {302, "Found"},
        {303, "See Other"}, {304, "Not Modified"}, {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
        {400, "Bad Request"}, {401, "Unauthorized"}, {402, "Payment Required"}, {403, "Forbidden"}, {404, "Not Found"},
        {405, "Method Not Allowed"}, {406, "Not Acceptable"}, {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"},
        {411, "Length Required"}, {412, "Precondition Failed"}, {413, "Content Too Large"}, {414, "URI Too Long"},
        {415, "Unsupported Media Type"}, {416, "Range Not Satisfiable"}, {417, "Expectation Failed"},
        {422, "Unprocessable Content"}, {425, "Too Early"}, {426, "Upgrade Required"}, {428, "Precondition Required"},
        {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"}, {451, "Unavailable For Legal Reasons"},
        {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"},
        {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
    };
    for (size_t each = 0; each < sizeof REASONS / sizeof *REASONS; each++)
        if (REASONS[each].status == status) return REASONS[each].reason;
    return "";
}
