/* The single executable: unpacks the program that is appended to it, once, and from then on only starts it.
 *
 * Layout of the file (build/dist.py writes it):
 *
 *     this program | manifest | zstd frame | struct footer
 *
 * The manifest has a line for each file, "SIZE MODE PATH\n" (decimal, octal, relative); the frame holds the files' contents
 * one after the other in that order, and ends with a checksum, so that a damaged download is noticed.
 *
 * The folder is $TORPOR_UNPACK, else $XDG_CACHE_HOME/torpor/runtime, else ~/.cache/torpor/runtime, and in it one folder for
 * each version and content. Machine code is run from there, so it must be ours alone. Every start looks at each file's type,
 * owner, mode, size and time (0.2 ms): that finds what was lost or changed by accident; who can forge times could replace the
 * program itself. Starts that race wait for one lock; whoever gets it first unpacks into a temporary folder and renames it.
 * A running program shares the lock of its folder's IN_USE, through a descriptor that survives exec: what nobody uses and
 * nobody has started for a day is pruned when another version unpacks.
 *
 * Static, against musl: it must start on every Linux to be able to say what is missing there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define ZSTD_STATIC_LINKING_ONLY
#include "zstd.h"

#include "common.h"
#include "libc_check.h"

#define FILE_TIME 946684800 /* 2000-01-01: every unpacked file's, so that a write to one shows */
#define KEEP_SECONDS 86400  /* two versions used in turns do not prune each other */
#define SPARE_BYTES (16u << 20) /* wanted free beside the files, for directories and block rounding */

/* Names that no other program gives: TORPOR_UNPACK may be a folder with other things in it. */
#define IN_USE ".torpor-in-use"       /* in an unpacked folder: shared by who runs from it */
#define UNPACKING ".torpor-unpacking" /* beside the folders: locked by who unpacks or prunes */
#define NEW ".torpor-new"
#define OLD ".torpor-old"

struct footer { /* little-endian, at the very end of the file */
    uint64_t manifest_at, manifest_size, frame_size, unpacked_size;
    uint32_t glibc_minor; /* the program needs glibc 2.MINOR */
    uint32_t reserved;
    char version[24];
    char name[64]; /* of the folder: VERSION-DIGEST */
    char magic[8];
};

/* One line of the manifest; advances `*at`. A manifest that is not ours is a damaged file. */
static int next_file(const char **at, const char *end, uint64_t *size, mode_t *mode, char path[static 512]) {
    if (*at >= end)
        return 0;
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    char line[640];
    unsigned long long number;
    unsigned int bits;
    if (!stop || (size_t)(stop - *at) >= sizeof line)
        fail("this executable is damaged: download it again");
    memcpy(line, *at, (size_t)(stop - *at));
    line[stop - *at] = 0;
    if (sscanf(line, "%llu %o %511[^\n]", &number, &bits, path) != 3 || path[0] == '/' || strstr(path, ".."))
        fail("this executable is damaged: download it again");
    *size = number, *mode = bits, *at = stop + 1;
    return 1;
}

static int is_private(const struct stat *status) {
    return S_ISDIR(status->st_mode) && status->st_uid == geteuid() && !(status->st_mode & 077);
}

/* Whether the unpacked folder is there and as it was unpacked. */
static int is_whole(int folder, const char *manifest, const char *end) {
    struct stat status;
    uint64_t size;
    mode_t mode;
    char path[512];
    if (fstat(folder, &status) || !is_private(&status))
        return 0;
    while (next_file(&manifest, end, &size, &mode, path))
        if (fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) || status.st_mode != (S_IFREG | mode) ||
            status.st_uid != geteuid() || (uint64_t)status.st_size != size || status.st_mtime != FILE_TIME)
            return 0;
    return 1;
}

/* A descriptor of the folder if it is whole; it is then shared, hence not pruned, until this process and its program end. */
static int use_folder(int parent, const char *name, const char *manifest, const char *end) {
    struct stat locked, found;
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return -1;
    int lock = openat(folder, IN_USE, O_RDONLY | O_NOFOLLOW);
    if (lock >= 0 && (!flock(lock, LOCK_SH | LOCK_NB) || errno != EWOULDBLOCK) && is_whole(folder, manifest, end) &&
        !fstatat(parent, name, &found, AT_SYMLINK_NOFOLLOW) && !fstat(folder, &locked) && found.st_ino == locked.st_ino) {
        futimens(lock, NULL); /* started just now, see prune() */
        return folder;
    }
    if (lock >= 0)
        close(lock);
    close(folder);
    return -1;
}

/* Removes leftovers of unpackings that were interrupted, and versions that are neither in use nor were lately. The caller
 * holds the lock of the whole folder. */
static void prune(int parent, const char *keep) {
    remove_tree(parent, NEW);
    remove_tree(parent, OLD);
    DIR *entries = fdopendir(dup(parent));
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        const char *name = entry->d_name;
        struct stat status;
        if (name[0] != '.' && strcmp(name, keep)) {
            char *path = join(name, IN_USE);
            int lock = openat(parent, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
            if (lock >= 0 && !fstat(lock, &status) && status.st_mtime + KEEP_SECONDS < time(NULL) &&
                !flock(lock, LOCK_EX | LOCK_NB)) {
                if (!renameat(parent, name, parent, OLD)) /* at once, for a start that looks at it now */
                    remove_tree(parent, OLD);
            }
            if (lock >= 0)
                close(lock);
            free(path);
        }
    }
    if (entries)
        closedir(entries);
}

/* The frame while it is decoded: `out` has been taken up to `taken`. */
struct reader {
    ZSTD_DStream *stream;
    ZSTD_inBuffer in;
    ZSTD_outBuffer out;
    size_t taken, hint;
    uint64_t done, total;
    const char *version;
};

/* Writes the next `size` bytes of the content to `file`. */
static void write_file(struct reader *reader, int file, uint64_t size) {
    while (size) {
        if (reader->taken == reader->out.pos) {
            reader->out.pos = reader->taken = 0;
            reader->hint = ZSTD_decompressStream(reader->stream, &reader->out, &reader->in);
            if (ZSTD_isError(reader->hint) || (!reader->out.pos && reader->in.pos == reader->in.size))
                fail("this executable is damaged: download it again");
            continue;
        }
        size_t length = reader->out.pos - reader->taken;
        ssize_t written = write(file, (char *)reader->out.dst + reader->taken, length < size ? length : (size_t)size);
        if (written < 0)
            fail_io("cannot unpack to", base);
        reader->taken += (size_t)written, size -= (uint64_t)written, reader->done += (uint64_t)written;
        int percent = (int)(reader->done * 100 / reader->total);
        if (progress && percent >= progress) {
            fprintf(stderr, "\rtorpor: unpacking %s, once: %d %%", reader->version, percent);
            progress = percent + 1;
        }
    }
}

/* Says why it cannot work before half of it is done. */
static void check_place(int parent, const struct footer *footer) {
    struct statvfs place;
    if (fstatvfs(parent, &place))
        return;
    if (place.f_flag & ST_NOEXEC)
        fail("%s is on a file system that is mounted noexec; name a folder from which programs may run in TORPOR_UNPACK", base);
    uint64_t room = (uint64_t)place.f_bavail * place.f_frsize;
    if (room < footer->unpacked_size + SPARE_BYTES)
        fail("unpacking takes %u MB and the disk of %s has only %u MB free; make room, or name a folder on another one in "
             "TORPOR_UNPACK",
             (unsigned)((footer->unpacked_size + SPARE_BYTES) >> 20), base, (unsigned)(room >> 20));
}

static void unpack(int parent, const struct footer *footer, const char *manifest, const char *frame) {
    const char *end = manifest + footer->manifest_size, *temporary = NEW;
    struct reader reader = {ZSTD_createDStream(), {frame, footer->frame_size, 0}, {malloc(1 << 20), 1 << 20, 0}, 0, 1, 0,
                            footer->unpacked_size + 1, footer->version};
    uint64_t size;
    mode_t mode;
    char path[512];
    check_libc(footer->glibc_minor);
    prune(parent, footer->name);
    check_place(parent, footer);
    if (!reader.stream || !reader.out.dst)
        fail("no memory");
    ZSTD_DCtx_setParameter(reader.stream, ZSTD_d_windowLogMax, 27); /* what build/dist.py compresses with */
    progress = isatty(STDERR_FILENO);
    if (mkdirat(parent, temporary, 0700))
        fail_io("cannot unpack to", base);
    int folder = openat(parent, temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    while (next_file(&manifest, end, &size, &mode, path)) {
        make_directories(folder, path, 0);
        int file = openat(folder, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (file < 0)
            fail_io("cannot unpack to", base);
        write_file(&reader, file, size);
        const struct timespec times[2] = {{FILE_TIME, 0}, {FILE_TIME, 0}};
        if (fchmod(file, mode) || futimens(file, times) || close(file))
            fail_io("cannot unpack to", base);
    }
    if (reader.hint) /* the end of the frame, where its checksum is */
        reader.hint = ZSTD_decompressStream(reader.stream, &(ZSTD_outBuffer){reader.out.dst, 0, 0}, &reader.in);
    int lock = openat(folder, IN_USE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (reader.hint || lock < 0)
        fail("this executable is damaged: download it again");
    close(lock);
    close(folder);
    /* No sync: after a crash of the machine a file that was not written yet has another size, and is_whole() sees it. */
    renameat(parent, footer->name, parent, OLD);
    if (renameat(parent, temporary, parent, footer->name))
        fail_io("cannot unpack to", base);
    remove_tree(parent, OLD);
    if (progress)
        fputs("\r\033[K", stderr);
    ZSTD_freeDStream(reader.stream);
    free(reader.out.dst);
}

static char *find_base(void) {
    const char *named = getenv("TORPOR_UNPACK"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (named && named[0] && named[0] != '/')
        fail("TORPOR_UNPACK must be an absolute path: %s", named);
    if (named && named[0])
        return strdup(named);
    if (cache && cache[0] == '/') /* a relative one is to be ignored, says the XDG base directory specification */
        return join(cache, "torpor/runtime");
    struct passwd *user = home && home[0] == '/' ? NULL : getpwuid(geteuid());
    if (user)
        home = user->pw_dir;
    if (!home || home[0] != '/')
        fail("there is no home directory to unpack to; name a folder in TORPOR_UNPACK");
    return join(home, ".cache/torpor/runtime");
}

int main(int count, char **arguments) {
    struct footer footer;
    struct stat status;
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (self < 0) /* no /proc: the path that the kernel was given */
        self = open((const char *)getauxval(AT_EXECFN), O_RDONLY | O_CLOEXEC);
    if (self < 0 || fstat(self, &status))
        fail("cannot read this executable: %s", strerror(errno));
    if (pread(self, &footer, sizeof footer, status.st_size - (off_t)sizeof footer) != sizeof footer ||
        memcmp(footer.magic, "TORPOR\1", 8) ||
        footer.manifest_at + footer.manifest_size + footer.frame_size + sizeof footer != (uint64_t)status.st_size)
        fail("this executable is not complete: download it again");
    const char *content = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, self, 0);
    if (content == MAP_FAILED)
        fail("cannot read this executable: %s", strerror(errno));
    const char *manifest = content + footer.manifest_at, *frame = manifest + footer.manifest_size;

    char *place = find_base();
    base = place;
    int parent = open(base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (parent < 0 && errno == ENOENT) {
        make_directories(AT_FDCWD, place, 1);
        parent = open(base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (parent < 0 || fstat(parent, &status))
        fail_io("cannot open", base);
    if (!is_private(&status))
        fail("%s must be a folder of your own with mode 0700, since programs are run from it; repair it, or name another one "
             "in TORPOR_UNPACK", base);
    if (use_folder(parent, footer.name, manifest, frame) < 0) {
        int lock = openat(parent, UNPACKING, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (lock < 0)
            fail_io("cannot unpack to", base);
        flock(lock, LOCK_EX); /* where a file system has no locks, two that race may both unpack, and one fails */
        if (use_folder(parent, footer.name, manifest, frame) < 0) {
            unpack(parent, &footer, manifest, frame);
            if (use_folder(parent, footer.name, manifest, frame) < 0)
                fail("%s changes while it is used; name another folder in TORPOR_UNPACK", base);
        }
        close(lock);
    }
    (void)count;
    /* For zlib, which PyInstaller's start-up code is linked with; that adds the folder for all that follows by itself. */
    const char *others = getenv("LD_LIBRARY_PATH");
    char *libraries = join(join(base, footer.name), "_internal");
    if (others && others[0] && asprintf(&libraries, "%s:%s", libraries, others) < 0)
        fail("no memory");
    setenv("LD_LIBRARY_PATH", libraries, 1);
    char itself[4096]; /* for `torpor systemd`: what is unpacked does not know where the executable is */
    ssize_t length = readlink("/proc/self/exe", itself, sizeof itself - 1);
    itself[length > 0 ? length : 0] = 0;
    setenv("TORPOR_EXECUTABLE", itself, 1);
    arguments[0] = join(join(base, footer.name), "torpor");
    execv(arguments[0], arguments);
    fail("cannot run %s: %s%s", arguments[0], strerror(errno),
         errno == EACCES ? "; is its file system mounted noexec? Name another folder in TORPOR_UNPACK"
         : errno == ENOENT ? "; this system has no glibc (/lib64/ld-linux-x86-64.so.2), which torpor needs" : "");
}
