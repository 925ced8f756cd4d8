/* How the stub ends with a message, and what it does to trees of files. */

static const char *base; /* the folder of folders, for messages */
static int progress;     /* a line of progress is on the terminal */

static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs(progress ? "\r\033[Ktorpor: " : "torpor: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

/* Reports errno, with what a user can do about it. */
static void fail_io(const char *doing, const char *what) {
    const char *elsewhere = "name a folder in TORPOR_UNPACK (or XDG_CACHE_HOME) ";
    if (errno == ENOSPC || errno == EDQUOT)
        fail("%s %s: the disk is full; make room, or %son another one", doing, what, elsewhere);
    if (errno == EROFS || errno == EACCES || errno == EPERM)
        fail("%s %s: %s; %sthat you can write to", doing, what, strerror(errno), elsewhere);
    fail("%s %s: %s", doing, what, strerror(errno));
}

static char *join(const char *first, const char *second) {
    char *path;
    if (asprintf(&path, "%s/%s", first, second) < 0)
        fail("no memory");
    return path;
}

/* Removes a tree below `parent`; never follows a link. What cannot be removed is left: it only takes room. */
static void remove_tree(int parent, const char *name) {
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);
    if (!entries) {
        unlinkat(parent, name, 0);
        return;
    }
    for (struct dirent *entry; (entry = readdir(entries));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            remove_tree(folder, entry->d_name);
    closedir(entries);
    unlinkat(parent, name, AT_REMOVEDIR);
}

/* Makes a directory and those above it that are missing; private, as XDG wants it. */
static void make_directories(int at, char *path, int itself) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdirat(at, path, 0700) && errno != EEXIST)
            fail_io("cannot create", path);
        *slash = '/';
    }
    if (itself && mkdirat(at, path, 0700) && errno != EEXIST)
        fail_io("cannot create", path);
}
