/* Cookies, from answers and from files in Netscape's format (RFC 6265, without a list of public suffixes). */
#include "curl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 3000 }; /* of all sites together, as RFC 6265, 6.1, would have it */

struct cookie {
    char *domain, *path, *name, *value;
    bool with_below, secure;
    long long expires; /* 0: at the end of the session */
    size_t number;
};

static struct cookie *jar;
static size_t count;

static bool is_below(const char *host, const char *domain) {
    size_t host_size = strlen(host), size = strlen(domain);
    return host_size > size && host[host_size - size - 1] == '.' && !strcasecmp(host + host_size - size, domain);
}

static void keep(struct cookie cookie) {
    size_t at = 0;
    while (at < count && (strcasecmp(jar[at].domain, cookie.domain) || strcmp(jar[at].path, cookie.path) || strcmp(jar[at].name, cookie.name))) at++;
    bool gone = cookie.expires && cookie.expires <= (long long)time(NULL);
    if (at < count) {
        if (gone) jar[at] = jar[--count];
        else cookie.number = jar[at].number, jar[at] = cookie;
        return;
    }
    if (gone || count == MOST) return;
    struct cookie *larger = realloc(jar, (count + 1) * sizeof *larger);
    if (!larger) return;
    static size_t number;
    jar = larger;
    cookie.number = number++;
    jar[count++] = cookie;
}

void load_cookies(const char *path) {
    struct text text = {0};
    if (!add_file(&text, path)) return; /* as curl does: the jar may not be there yet */
    char *rest = text.start;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *fields[7];
        int number = 0;
        line[strcspn(line, "\r")] = 0;
        if (!strncmp(line, "#HttpOnly_", 10)) line += 10;
        if (*line == '#') continue;
        for (char *field; number < 7 && (field = strsep(&line, "\t"));) fields[number++] = field;
        if (number < 6) continue;
        const char *domain = fields[0] + (*fields[0] == '.');
        keep((struct cookie){copy(domain, strlen(domain)), fields[2], fields[5], number > 6 ? fields[6] : "", !strcasecmp(fields[1], "true"), !strcasecmp(fields[3], "true"), atoll(fields[4]), 0});
    }
}

static bool covers(const struct cookie *cookie, const char *host, const struct torpor_http_url *url) {
    size_t size = strlen(cookie->path), path = strcspn(url->path, "?#");
    if (strcasecmp(cookie->domain, host) && !(cookie->with_below && is_below(host, cookie->domain))) return false;
    if (cookie->secure && !url->secure && strcasecmp(host, "localhost")) return false;
    if (size <= 1) return true;
    return path >= size && !strncmp(url->path, cookie->path, size) && (cookie->path[size - 1] == '/' || path == size || url->path[size] == '/');
}

/* Those of longer paths come first (RFC 6265, 5.4), else those that are older. */
static int by_path(const void *one, const void *other) {
    const struct cookie *a = one, *b = other;
    size_t first = strlen(a->path), second = strlen(b->path);
    return first != second ? (first < second ? 1 : -1) : a->number < b->number ? -1 : a->number > b->number;
}

char *cookies_for(const char *url) {
    struct torpor_http_url parts;
    struct text line = {0};
    if (!torpor_http_parse(url, &parts)) return NULL;
    char *host = host_of(&parts);
    qsort(jar, count, sizeof *jar, by_path);
    for (size_t i = 0; i < count; i++)
        if (covers(&jar[i], host, &parts)) add_format(&line, "%s%s=%s", line.size ? "; " : "", jar[i].name, jar[i].value);
    free(host);
    return line.start;
}

static void take_attribute(struct cookie *cookie, const char *host, const char *name, const char *value) {
    struct tm when = {0};
    if (!strcasecmp(name, "secure")) cookie->secure = true;
    else if (!strcasecmp(name, "path") && *value == '/') cookie->path = copy(value, strlen(value));
    else if (!strcasecmp(name, "max-age")) cookie->expires = atoll(value) > 0 ? (long long)time(NULL) + atoll(value) : 1;
    else if (!strcasecmp(name, "expires") && !cookie->expires && strptime(value, "%a, %d %b %Y %H:%M:%S", &when)) cookie->expires = timegm(&when);
    else if (!strcasecmp(name, "domain") && *value) {
        value += *value == '.';
        bool good = !strcasecmp(host, value) || (is_below(host, value) && strchr(value, '.'));
        cookie->domain = good ? copy(value, strlen(value)) : NULL;
        cookie->with_below = good;
    }
}

void take_cookie(const char *url, const char *line) {
    struct torpor_http_url parts;
    char *rest = copy(line, strlen(line)), *pair = strsep(&rest, ";"), *equals = strchr(pair, '=');
    if (!equals || !torpor_http_parse(url, &parts)) return;
    char *host = host_of(&parts);
    size_t directory = strcspn(parts.path, "?#");
    while (directory > 1 && parts.path[--directory] != '/') continue;
    *equals = 0;
    struct cookie cookie = {host, directory ? copy(parts.path, directory) : "/", pair + strspn(pair, " "), equals + 1, false, false, 0, 0};
    for (char *attribute; cookie.domain && (attribute = strsep(&rest, ";"));) {
        attribute += strspn(attribute, " ");
        char *value = strchr(attribute, '=');
        if (value) *value++ = 0;
        take_attribute(&cookie, host, attribute, value ? value : "");
    }
    if (cookie.domain) keep(cookie);
}

int save_cookies(const char *path) {
    FILE *to = strcmp(path, "-") ? fopen(path, "w") : stdout;
    if (!to) return -1;
    fputs("# Netscape HTTP Cookie File\n\n", to);
    for (size_t i = 0; i < count; i++)
        fprintf(to, "%s%s\t%s\t%s\t%s\t%lld\t%s\t%s\n", jar[i].with_below ? "." : "", jar[i].domain, jar[i].with_below ? "TRUE" : "FALSE", jar[i].path, jar[i].secure ? "TRUE" : "FALSE",
                jar[i].expires, jar[i].name, jar[i].value);
    return to == stdout ? fflush(to) : fclose(to);
}
