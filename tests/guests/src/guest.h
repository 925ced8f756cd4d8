// What the guest programs share: one line of output per step, with the errno's name where it failed.
#ifndef GUEST_H
#define GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static inline const char *error_name(int code) {
    switch (code) {
        case 0: return "ok";
        case E2BIG: return "E2BIG";
        case EACCES: return "EACCES";
        case EBADF: return "EBADF";
        case EBUSY: return "EBUSY";
        case EDQUOT: return "EDQUOT";
        case EEXIST: return "EEXIST";
        case EFBIG: return "EFBIG";
        case EILSEQ: return "EILSEQ";
        case EINVAL: return "EINVAL";
        case EIO: return "EIO";
        case EISDIR: return "EISDIR";
        case ELOOP: return "ELOOP";
        case EMFILE: return "EMFILE";
        case EMLINK: return "EMLINK";
        case ENAMETOOLONG: return "ENAMETOOLONG";
        case ENOENT: return "ENOENT";
        case ENOMEM: return "ENOMEM";
        case ENOSPC: return "ENOSPC";
        case ENOSYS: return "ENOSYS";
        case ENOTDIR: return "ENOTDIR";
        case ENOTEMPTY: return "ENOTEMPTY";
        case ENOTSUP: return "ENOTSUP";
        case ENXIO: return "ENXIO";
        case EOVERFLOW: return "EOVERFLOW";
        case EPERM: return "EPERM";
        case EPIPE: return "EPIPE";
        case EROFS: return "EROFS";
        case ESPIPE: return "ESPIPE";
        case EXDEV: return "EXDEV";
        case ENOTCAPABLE: return "ENOTCAPABLE";
        default: return strerror(code);
    }
}

// Reports a call that returns a negative number on failure, and hands its result back.
static inline long report(const char *what, long result) {
    printf("%s: %s\n", what, result < 0 ? error_name(errno) : "ok");
    return result;
}

// The directory to work in, made if need be: the first argument, or /tmp.
static inline void enter(int argc, char **argv) {
    const char *directory = argc > 1 ? argv[1] : "/tmp";
    mkdir(directory, 0755);
    if (chdir(directory) != 0) {
        printf("chdir %s: %s\n", directory, error_name(errno));
        exit(1);
    }
}

static inline void put(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        printf("put %s: %s\n", path, error_name(errno));
        exit(1);
    }
    close(fd);
}

// Prints what a file holds (its first 200 bytes), or why it cannot be read.
static inline void show(const char *path) {
    char text[201];
    int fd = open(path, O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (size < 0) {
        printf("%s = %s\n", path, error_name(errno));
    } else {
        text[size] = 0;
        for (ssize_t i = 0; i < size; i++) {
            if (!text[i]) text[i] = '.';
        }
        printf("%s = \"%s\"\n", path, text);
    }
    if (fd >= 0) close(fd);
}

static inline int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

#endif
