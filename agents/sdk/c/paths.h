/* A path as the host takes it. */
#ifndef TORPOR_PATHS_H
#define TORPOR_PATHS_H

#include "sys.h"

#include <fcntl.h>

#define HOST_PATH(path) (path), (uint32_t)strlen(path)

/* of open's flags */
static inline uint32_t host_how(int flags) {
    int way = flags & O_RDWR;
    return (way & O_RDONLY || way == 0 ? HOW_READ : 0) | (way & O_WRONLY ? HOW_WRITE : 0) |
           (flags & O_CREAT ? HOW_CREATE : 0) | (flags & O_EXCL ? HOW_EXCLUSIVE : 0) | (flags & O_TRUNC ? HOW_TRUNCATE : 0) |
           (flags & O_APPEND ? HOW_APPEND : 0) | (flags & O_DIRECTORY ? HOW_DIRECTORY : 0) |
           (flags & O_NOFOLLOW ? HOW_NOFOLLOW : 0) | (flags & O_CLOEXEC ? HOW_CLOEXEC : 0) |
           (flags & O_NONBLOCK ? HOW_NONBLOCK : 0);
}

/* of the flags of the calls with `at` in their names */
static inline uint32_t host_follow(int flags) { return flags & AT_SYMLINK_NOFOLLOW ? HOW_NOFOLLOW : 0; }

#endif
