/* Text and lists that grow, and encodings. */
#include "net.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void *get(size_t size) {
    void *memory = calloc(1, size ? size : 1);
    if (memory) return memory;
    complain("out of memory");
    _exit(27);
}

char *copy(const char *text, size_t size) {
    char *made = get(size + 1);
    memcpy(made, text, size);
    return made;
}

void add(struct text *to, const void *bytes, size_t size) {
    if (to->size + size + 1 > to->room) {
        to->room = (to->size + size + 1) * 2;
        char *larger = get(to->room);
        if (to->size) memcpy(larger, to->start, to->size);
        free(to->start);
        to->start = larger;
    }
    if (size) memcpy(to->start + to->size, bytes, size);
    to->size += size;
    to->start[to->size] = 0;
}

void add_text(struct text *to, const char *text) { add(to, text, strlen(text)); }

static char *formatted(const char *format, va_list arguments) {
    char *made = NULL;
    if (vasprintf(&made, format, arguments) < 0) return get(1);
    return made;
}

void add_format(struct text *to, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *made = formatted(format, arguments);
    va_end(arguments);
    add_text(to, made);
    free(made);
}

char *text_of(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *made = formatted(format, arguments);
    va_end(arguments);
    return made;
}

bool add_all(struct text *to, int fd) {
    char *piece = get(PIECE);
    ssize_t size;
    while ((size = read(fd, piece, PIECE)) > 0) add(to, piece, (size_t)size);
    free(piece);
    return size == 0;
}

bool add_file(struct text *to, const char *path) {
    int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(0);
    if (fd < 0) return false;
    add(to, "", 0);
    bool good = add_all(to, fd);
    close(fd);
    return good;
}

void add_encoded(struct text *to, const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte && (isalnum(byte) || strchr("-._~", byte))) add(to, bytes + i, 1);
        else add_format(to, "%%%02X", byte);
    }
}

char *base64(const char *bytes, size_t size) {
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *made = get(size * 4 / 3 + 5), *to = made;
    const unsigned char *from = (const unsigned char *)bytes;
    for (size_t i = 0; i < size; i += 3) {
        unsigned three = (unsigned)from[i] << 16 | (i + 1 < size ? (unsigned)from[i + 1] << 8 : 0) | (i + 2 < size ? from[i + 2] : 0);
        *to++ = DIGITS[three >> 18];
        *to++ = DIGITS[three >> 12 & 63];
        *to++ = i + 1 < size ? DIGITS[three >> 6 & 63] : '=';
        *to++ = i + 2 < size ? DIGITS[three & 63] : '=';
    }
    return made;
}

char *decoded(const char *text, size_t size) {
    char *made = get(size + 1), *to = made;
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        if (text[i] == '%' && i + 2 < size && isxdigit((unsigned char)text[i + 1]) && isxdigit((unsigned char)text[i + 2]) && sscanf(text + i + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            i += 2;
        } else {
            *to++ = text[i];
        }
    }
    return made;
}

void push(struct list *to, char *item) {
    char **larger = realloc(to->items, (to->count + 1) * sizeof *larger);
    if (!larger) get(SIZE_MAX / 2);
    to->items = larger;
    to->items[to->count++] = item;
}

void add_header(struct headers *to, const char *name, const char *value) {
    struct torpor_http_header *larger = realloc(to->items, (to->count + 1) * sizeof *larger);
    if (!larger) get(SIZE_MAX / 2);
    to->items = larger;
    to->items[to->count++] = (struct torpor_http_header){name, value};
}

bool has_header(const struct headers *headers, const char *name) {
    for (size_t i = 0; i < headers->count; i++)
        if (!strcasecmp(headers->items[i].name, name)) return true;
    return false;
}

bool split_header(const char *line, char **name, char **value) {
    size_t size = strcspn(line, ":;"), end = strlen(line);
    if (!line[size] || !size) return false;
    const char *at = line + size + 1;
    at += strspn(at, " \t");
    while (end > (size_t)(at - line) && strchr(" \t\r\n", line[end - 1])) end--;
    bool is_empty = at >= line + end;
    if (line[size] == ';' && !is_empty) return false;
    *name = copy(line, size);
    *value = !is_empty ? copy(at, end - (size_t)(at - line)) : line[size] == ';' ? copy("", 0) : NULL;
    return true;
}

char *basic(const char *pair, size_t size) {
    char *encoded = base64(pair, size), *value = text_of("Basic %s", encoded);
    free(encoded);
    return value;
}

void make_directories_for(const char *path) {
    char *piece = copy(path, strlen(path));
    for (char *at = piece + 1; (at = strchr(at, '/')); at++) {
        *at = 0;
        mkdir(piece, 0777);
        *at = '/';
    }
    free(piece);
}

int write_all(int fd, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size) {
        ssize_t done = write(fd, at, size);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return -1;
        at += done;
        size -= (size_t)done;
    }
    return 0;
}

double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

long long nanoseconds(const char *text) {
    char *rest;
    double seconds = strtod(text, &rest);
    if (rest == text || *rest || !(seconds >= 0)) return -1;
    return seconds > 1e9 ? 1000000000000000000LL : (long long)(seconds * 1e9);
}
