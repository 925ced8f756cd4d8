/* Directories, read in pieces. */
#include "sys.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paths.h"

/* Some 500 entries a host call; a longer name than 255 bytes there is not. */
#define PIECE 16384

/* An entry as the host writes it: the name with its NUL after these, without padding. */
#define AT_SIZE 8
#define AT_TYPE 10
#define AT_NAME 11

struct _DIR {
    int fd;
    long passed; /* entries before `at`, which telldir gives */
    uint32_t at, filled;
    struct dirent entry;
    unsigned char piece[PIECE];
};

static DIR *directory_of(int fd) {
    DIR *directory = malloc(sizeof *directory);
    if (directory == NULL) return NULL;
    directory->fd = fd;
    directory->passed = 0;
    directory->at = directory->filled = 0;
    return directory;
}

LIBC DIR *fdopendir(int fd) {
    struct stat found;
    if (fstat(fd, &found)) return NULL;
    if (!S_ISDIR(found.st_mode)) {
        posix_fail(ENOTDIR);
        return NULL;
    }
    DIR *directory = directory_of(fd);
    if (directory) fcntl(fd, F_SETFD, FD_CLOEXEC);
    return directory;
}

static DIR *open_at(int at, const char *path) {
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return NULL;
    DIR *directory = directory_of(fd);
    if (directory == NULL) {
        close(fd);
        posix_fail(ENOMEM);
    }
    return directory;
}

LIBC DIR *opendir(const char *path) { return open_at(AT_FDCWD, path); }

LIBC struct dirent *readdir(DIR *directory) {
    if (directory->at == directory->filled) {
        int64_t filled = posix_result(sys_list(directory->fd, directory->piece, PIECE));
        directory->at = directory->filled = 0;
        if (filled <= 0) return NULL;
        directory->filled = (uint32_t)filled;
    }
    const unsigned char *entry = directory->piece + directory->at;
    uint16_t size;
    memcpy(&directory->entry.d_ino, entry, sizeof directory->entry.d_ino);
    memcpy(&size, entry + AT_SIZE, sizeof size);
    directory->entry.d_type = entry[AT_TYPE];
    strlcpy(directory->entry.d_name, (const char *)entry + AT_NAME, sizeof directory->entry.d_name);
    directory->at += size;
    directory->passed++;
    return &directory->entry;
}

LIBC int closedir(DIR *directory) {
    int fd = directory->fd;
    free(directory);
    return close(fd);
}

LIBC int fdclosedir(DIR *directory) {
    int fd = directory->fd;
    free(directory);
    return fd;
}

LIBC int dirfd(DIR *directory) { return directory->fd; }

LIBC void rewinddir(DIR *directory) {
    sys_seek(directory->fd, 0, 0);
    directory->passed = 0;
    directory->at = directory->filled = 0;
}

LIBC long telldir(DIR *directory) { return directory->passed; }

LIBC void seekdir(DIR *directory, long place) {
    if (place < directory->passed) rewinddir(directory);
    while (directory->passed < place && readdir(directory)) {
    }
}

typedef int chosen_function(const struct dirent *);
typedef int order_function(const struct dirent **, const struct dirent **);

static int scan(DIR *directory, struct dirent ***result, chosen_function *chosen, order_function *order) {
    if (directory == NULL) return -1;
    struct dirent **found = NULL, *entry;
    size_t count = 0, room = 0;
    int before = errno;
    errno = 0;
    while ((entry = readdir(directory)) != NULL) {
        if (chosen && !chosen(entry)) continue;
        if (count == room) {
            struct dirent **larger = reallocarray(found, room = room ? room * 2 : 16, sizeof *found);
            if (larger == NULL) break;
            found = larger;
        }
        if ((found[count] = malloc(sizeof *entry)) == NULL) break;
        *found[count++] = *entry;
    }
    int error = errno;
    closedir(directory);
    if (entry || error) {
        while (count) free(found[--count]);
        free(found);
        return posix_fail(error ? error : ENOMEM);
    }
    errno = before;
    if (order && count) qsort(found, count, sizeof *found, (int (*)(const void *, const void *))order);
    *result = found;
    return (int)count;
}

LIBC int scandir(const char *path, struct dirent ***result, chosen_function *chosen, order_function *order) {
    return scan(opendir(path), result, chosen, order);
}

LIBC int scandirat(int at, const char *path, struct dirent ***result, chosen_function *chosen, order_function *order) {
    return scan(open_at(at, path), result, chosen, order);
}
