/* Whether the system has the C library that the program needs. The dynamic linker would say so, too, in its own words. */

#define LINKER "/lib64/ld-linux-x86-64.so.2" /* the path that the ABI fixes, which every program for glibc names */

/* The newest N of the symbol versions GLIBC_2.N in a libc; 0 when it cannot be read. */
static unsigned glibc_minor_of(const char *path) {
    struct stat status;
    unsigned newest = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    char *content = fstat(file, &status) ? MAP_FAILED : mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (content == MAP_FAILED)
        return 0;
    const char *at = content, *end = content + status.st_size;
    while ((at = memmem(at, (size_t)(end - at), "\0GLIBC_2.", 9))) {
        unsigned minor = 0;
        for (at += 9; at < end && *at >= '0' && *at <= '9' && minor < 1000; at++)
            minor = minor * 10 + (unsigned)(*at - '0');
        if (minor > newest)
            newest = minor;
    }
    munmap(content, (size_t)status.st_size);
    return newest;
}

static void check_libc(unsigned needed) {
    static const char *const places[] = {
        "/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/usr/lib64/libc.so.6",
        "/usr/lib/libc.so.6", "/lib/libc.so.6",
    };
    if (access(LINKER, X_OK))
        fail("this system has no glibc (" LINKER "), which torpor needs: 2.%u or newer", needed);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        unsigned found = glibc_minor_of(places[i]);
        if (found && found < needed)
            fail("this system's glibc is 2.%u, and torpor needs 2.%u or newer", found, needed);
        if (found)
            return;
    }
}
