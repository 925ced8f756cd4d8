/* posix_spawn: the host's spawn, whose actions these are translated to. */
#include "programs.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "paths.h"
#include "signals.h"

/* A list in the order of the calls, in the type's one pointer. */
struct file_action {
    struct file_action *next;
    enum { OPEN, CLOSE, DUP, CHDIR, FCHDIR } kind;
    int fd, from, flags;
    mode_t mode;
    char path[];
};

LIBC int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions) { return actions->__actions = NULL, 0; }

LIBC int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions) {
    for (struct file_action *action = actions->__actions, *next; action; action = next) {
        next = action->next;
        free(action);
    }
    actions->__actions = NULL;
    return 0;
}

static int add(posix_spawn_file_actions_t *actions, struct file_action action, const char *path) {
    if (action.fd < 0 || action.from < 0) return EBADF;
    struct file_action *added = malloc(sizeof *added + strlen(path) + 1), **end = (struct file_action **)&actions->__actions;
    if (added == NULL) return ENOMEM;
    memcpy(added, &action, sizeof action);
    strcpy(added->path, path);
    added->next = NULL;
    while (*end) end = &(*end)->next;
    *end = added;
    return 0;
}

LIBC int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *restrict actions, int fd, const char *restrict path,
                                          int flags, mode_t mode) {
    return add(actions, (struct file_action){.kind = OPEN, .fd = fd, .flags = flags, .mode = mode}, path);
}
LIBC int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd) {
    return add(actions, (struct file_action){.kind = CLOSE, .fd = fd}, "");
}
LIBC int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int from, int fd) {
    return add(actions, (struct file_action){.kind = DUP, .fd = fd, .from = from}, "");
}
LIBC int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *restrict actions, const char *restrict path) {
    return add(actions, (struct file_action){.kind = CHDIR}, path);
}
LIBC int posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t *actions, int fd) {
    return add(actions, (struct file_action){.kind = FCHDIR, .fd = fd}, "");
}

LIBC int posix_spawnattr_init(posix_spawnattr_t *attributes) { return *attributes = (posix_spawnattr_t){0}, 0; }
LIBC int posix_spawnattr_destroy(posix_spawnattr_t *attributes) {
    (void)attributes;
    return 0;
}
LIBC int posix_spawnattr_setflags(posix_spawnattr_t *attributes, short flags) {
    short known = POSIX_SPAWN_RESETIDS | POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                  POSIX_SPAWN_USEVFORK;
    if (flags & ~known) return EINVAL;
    attributes->__flags = flags;
    return 0;
}
LIBC int posix_spawnattr_getflags(const posix_spawnattr_t *restrict attributes, short *restrict flags) {
    return *flags = (short)attributes->__flags, 0;
}
LIBC int posix_spawnattr_setpgroup(posix_spawnattr_t *attributes, pid_t group) { return attributes->__pgrp = group, 0; }
LIBC int posix_spawnattr_getpgroup(const posix_spawnattr_t *restrict attributes, pid_t *restrict group) {
    return *group = attributes->__pgrp, 0;
}
LIBC int posix_spawnattr_setsigmask(posix_spawnattr_t *restrict attributes, const sigset_t *restrict mask) {
    return attributes->__mask = *mask, 0;
}
LIBC int posix_spawnattr_getsigmask(const posix_spawnattr_t *restrict attributes, sigset_t *restrict mask) {
    return *mask = attributes->__mask, 0;
}
LIBC int posix_spawnattr_setsigdefault(posix_spawnattr_t *restrict attributes, const sigset_t *restrict set) {
    return attributes->__def = *set, 0;
}
LIBC int posix_spawnattr_getsigdefault(const posix_spawnattr_t *restrict attributes, sigset_t *restrict set) {
    return *set = attributes->__def, 0;
}

/* What the host's spawn does to the child. */
enum { ACTION_DUP, ACTION_CLOSE, ACTION_GROUP, ACTION_DIRECTORY, ACTION_MOVE };
struct action {
    uint32_t kind;
    int32_t first, second;
};

struct starting {
    char *const *envp;
    int directory;
    const struct action *actions;
    uint32_t count;
    uint64_t blocked, defaults; /* the child's mask, and the signals that do what they do by default in it */
};

static int64_t spawn_at(const struct starting *starting, const char *path, const char *argv, uint32_t argv_size, const char *envp,
                        uint32_t envp_size) {
    /* A child has the mask and the ignored signals of the record. This process has its own again before it looks at what came. */
    struct posix_record mine = posix_record;
    posix_record.blocked = starting->blocked;
    for (int signal = 1; signal < _NSIG; signal++) {
        if (starting->defaults & posix_bit(signal)) posix_record.actions[signal - 1] = 0;
    }
    int64_t pid = sys_spawn(host_at(starting->directory), HOST_PATH(path), argv, argv_size, envp, envp_size, starting->actions,
                            starting->count);
    posix_record.blocked = mine.blocked;
    memcpy(posix_record.actions, mine.actions, sizeof mine.actions);
    return posix_result(pid);
}

/* pid, or -1 and errno */
static int start(void *with, const char *path, char *const argv[]) {
    const struct starting *starting = with;
    uint32_t argv_size, envp_size;
    char *arguments = posix_pack(argv, &argv_size), *environment = arguments ? posix_pack(starting->envp, &envp_size) : NULL;
    int pid = environment ? (int)spawn_at(starting, path, arguments, argv_size, environment, envp_size) : -1;
    int error = errno;
    free(environment);
    free(arguments);
    errno = error;
    return pid;
}

/* The child's files are opened here, above all descriptors that the actions name, and moved in their place there. */
static int translate(const struct file_action *list, struct action *to, int opened[], uint32_t *files, int *directory) {
    int above = 2;
    for (const struct file_action *each = list; each; each = each->next) {
        above = each->fd > above ? each->fd : above;
        above = each->from > above ? each->from : above;
    }
    for (const struct file_action *each = list; each; each = each->next, to++) {
        if (each->kind == CLOSE) {
            *to = (struct action){ACTION_CLOSE, each->fd, 0};
        } else if (each->kind == DUP) {
            *to = (struct action){ACTION_DUP, each->from, each->fd};
        } else if (each->kind == FCHDIR) {
            *directory = each->fd;
            *to = (struct action){ACTION_DIRECTORY, each->fd, 0};
        } else {
            int flags = each->kind == OPEN ? each->flags : O_RDONLY | O_DIRECTORY;
            int low = openat(*directory, each->path, flags | O_CLOEXEC, each->mode);
            if (low < 0) return errno;
            int fd = fcntl(low, F_DUPFD_CLOEXEC, above + 1), error = errno;
            close(low);
            if (fd < 0) return error;
            opened[(*files)++] = fd;
            if (each->kind == CHDIR) *directory = fd;
            *to = each->kind == OPEN ? (struct action){ACTION_MOVE, fd, each->fd}
                                     : (struct action){ACTION_DIRECTORY, fd, 0};
        }
    }
    return 0;
}

static int spawn(pid_t *pid, const char *file, bool search, const posix_spawn_file_actions_t *files,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
    const struct file_action *list = files ? files->__actions : NULL;
    int flags = attributes ? attributes->__flags : 0;
    uint32_t count = 0, opened_count = 0;
    for (const struct file_action *each = list; each; each = each->next) count++;
    struct action *actions = malloc((count + 1) * sizeof *actions);
    int *opened = malloc((count + 1) * sizeof *opened), before = errno, result = -1;
    struct starting starting = {.envp = envp, .directory = AT_FDCWD, .actions = actions};
    int error = actions && opened ? translate(list, actions, opened, &opened_count, &starting.directory) : ENOMEM;
    if (error == 0) {
        if (flags & POSIX_SPAWN_SETPGROUP) actions[count++] = (struct action){ACTION_GROUP, attributes->__pgrp, 0};
        starting.count = count;
        starting.blocked = flags & POSIX_SPAWN_SETSIGMASK ? posix_blockable(attributes->__mask) : posix_record.blocked;
        starting.defaults = flags & POSIX_SPAWN_SETSIGDEF ? attributes->__def : 0;
        result = search ? posix_search(file, argv, start, &starting) : start(&starting, file, argv);
        error = result < 0 ? errno : 0;
    }
    for (uint32_t i = 0; i < opened_count; i++) close(opened[i]);
    free(opened);
    free(actions);
    errno = before;
    if (error == 0 && pid) *pid = result;
    return error;
}

LIBC int posix_spawn(pid_t *restrict pid, const char *restrict path, const posix_spawn_file_actions_t *files,
                     const posix_spawnattr_t *restrict attributes, char *const *restrict argv, char *const *restrict envp) {
    return spawn(pid, path, false, files, attributes, argv, envp);
}
LIBC int posix_spawnp(pid_t *restrict pid, const char *restrict file, const posix_spawn_file_actions_t *files,
                      const posix_spawnattr_t *restrict attributes, char *const *restrict argv, char *const *restrict envp) {
    return spawn(pid, file, true, files, attributes, argv, envp);
}
