/* The machine: its name, chance, what it has of processors and limits. */
#include "sys.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

/* One call of getentropy, as everywhere. */
#define MOST_ENTROPY 256

LIBC int getentropy(void *to, size_t size) {
    if (size > MOST_ENTROPY) return posix_fail(EIO);
    return posix_result(sys_random(to, (uint32_t)size)) < 0 ? -1 : 0;
}
LIBC int __getentropy(void *to, size_t size) { return getentropy(to, size); }

LIBC ssize_t getrandom(void *to, size_t size, unsigned flags) {
    (void)flags;
    return (ssize_t)posix_result(sys_random(to, size > INT_MAX ? INT_MAX : (uint32_t)size));
}

static const char *const NAME = "torpor";

/* The first line of /etc/hostname, if there is one. */
LIBC int gethostname(char *to, size_t size) {
    char name[HOST_NAME_MAX + 1] = "";
    int before = errno, fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t length = read(fd, name, sizeof name - 1);
        close(fd);
        name[length > 0 ? length : 0] = 0;
        name[strcspn(name, "\n")] = 0;
    }
    errno = before;
    return strlcpy(to, *name ? name : NAME, size) < size ? 0 : posix_fail(ENAMETOOLONG);
}
LIBC int sethostname(const char *name, size_t size) {
    (void)name, (void)size;
    return posix_fail(EPERM);
}
LIBC int getdomainname(char *to, size_t size) { return strlcpy(to, "", size) < size ? 0 : posix_fail(EINVAL); }
LIBC long gethostid(void) { return 0; }

/* Linux, as the numbers of signals, modes and wait statuses are its. libc has one that cannot be replaced but by the linker. */
int __wrap_uname(struct utsname *to) {
    memset(to, 0, sizeof *to);
    strcpy(to->sysname, "Linux");
    gethostname(to->nodename, sizeof to->nodename);
    strcpy(to->release, "0");
    strcpy(to->version, NAME);
    strcpy(to->machine, "wasm32");
    return 0;
}

LIBC int getloadavg(double averages[], int count) {
    (void)averages, (void)count;
    return -1;
}

LIBC int daemon(int stay, int keep) {
    (void)stay, (void)keep;
    return posix_fail(ENOSYS);
}
LIBC int vhangup(void) { return posix_fail(EPERM); }
LIBC int acct(const char *path) {
    (void)path;
    return posix_fail(EPERM);
}
