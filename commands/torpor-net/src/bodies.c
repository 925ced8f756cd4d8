/* Bodies of requests: made of memory and files, and sent piece by piece. */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct part *another(struct body *body) {
    struct part *larger = realloc(body->parts, (body->count + 1) * sizeof *larger);
    if (!larger) get(SIZE_MAX / 2);
    body->parts = larger;
    body->parts[body->count] = (struct part){0};
    return &body->parts[body->count++];
}

void add_bytes(struct body *to, struct text bytes) {
    struct part *part = another(to);
    part->bytes = bytes.start;
    part->size = bytes.size;
}

bool add_path(struct body *to, const char *path) {
    if (strcmp(path, "-") && access(path, R_OK)) return false;
    another(to)->path = path;
    return true;
}

long long body_size(const struct body *body) {
    long long size = 0;
    for (size_t i = 0; i < body->count; i++) {
        struct stat of;
        const struct part *part = &body->parts[i];
        if (!part->path) size += (long long)part->size;
        else if (!strcmp(part->path, "-") || stat(part->path, &of) || !S_ISREG(of.st_mode)) return -1;
        else size += of.st_size;
    }
    return size;
}

static int send_file(const char *path, struct torpor_http *http, long long *sent, const char **broken) {
    int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(0);
    *broken = fd < 0 ? path : NULL;
    if (fd < 0) return -1;
    char *piece = get(PIECE);
    ssize_t size;
    int failed = 0;
    while (!failed && (size = read(fd, piece, PIECE)) > 0) {
        failed = torpor_http_write(http, piece, (size_t)size);
        *sent += failed ? 0 : size;
    }
    if (!failed && size < 0) *broken = path, failed = -1;
    free(piece);
    close(fd);
    return failed;
}

int send_body(const struct body *body, struct torpor_http *http, long long *sent, const char **broken) {
    *broken = NULL;
    for (size_t i = 0; i < body->count; i++) {
        const struct part *part = &body->parts[i];
        if (part->path ? send_file(part->path, http, sent, broken) : torpor_http_write(http, part->bytes, part->size)) return -1;
        if (!part->path) *sent += (long long)part->size;
    }
    return 0;
}
