/* The one user of a VM, and what /etc/passwd and /etc/group say of it and of others. */
#include "sys.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

LIBC uid_t getuid(void) { return OWN_ID; }
LIBC uid_t geteuid(void) { return OWN_ID; }
LIBC gid_t getgid(void) { return OWN_ID; }
LIBC gid_t getegid(void) { return OWN_ID; }
LIBC int getresuid(uid_t *real, uid_t *effective, uid_t *saved) { return *real = *effective = *saved = OWN_ID, 0; }
LIBC int getresgid(gid_t *real, gid_t *effective, gid_t *saved) { return *real = *effective = *saved = OWN_ID, 0; }
LIBC int issetugid(void) { return 0; }

LIBC int getgroups(int room, gid_t groups[]) {
    if (room < 0) return posix_fail(EINVAL);
    if (room > 0) groups[0] = OWN_ID;
    return 1;
}

/* To become what one is works; no other id can be had. -1 is "as it is". */
static int become(unsigned id) { return id == OWN_ID || id == (unsigned)-1 ? 0 : posix_fail(EPERM); }
static int become_both(unsigned one, unsigned other) { return become(one) ? -1 : become(other); }

LIBC int setuid(uid_t id) { return become(id); }
LIBC int seteuid(uid_t id) { return become(id); }
LIBC int setgid(gid_t id) { return become(id); }
LIBC int setegid(gid_t id) { return become(id); }
LIBC int setreuid(uid_t real, uid_t effective) { return become_both(real, effective); }
LIBC int setregid(gid_t real, gid_t effective) { return become_both(real, effective); }
LIBC int setresuid(uid_t real, uid_t effective, uid_t saved) { return become(saved) ? -1 : become_both(real, effective); }
LIBC int setresgid(gid_t real, gid_t effective, gid_t saved) { return become(saved) ? -1 : become_both(real, effective); }
LIBC int setgroups(size_t count, const gid_t *groups) {
    return count == 1 && groups[0] == OWN_ID ? 0 : posix_fail(EPERM);
}
LIBC int initgroups(const char *user, gid_t group) {
    (void)user;
    return become(group);
}

LIBC int fchownat(int at, const char *path, uid_t user, gid_t group, int flags) {
    struct stat found;
    return fstatat(at, path, &found, flags) ? -1 : become_both(user, group);
}
LIBC int chown(const char *path, uid_t user, gid_t group) { return fchownat(AT_FDCWD, path, user, group, 0); }
LIBC int lchown(const char *path, uid_t user, gid_t group) {
    return fchownat(AT_FDCWD, path, user, group, AT_SYMLINK_NOFOLLOW);
}
LIBC int fchown(int fd, uid_t user, gid_t group) {
    struct stat found;
    return fstat(fd, &found) ? -1 : become_both(user, group);
}

LIBC int chroot(const char *path) {
    (void)path;
    return posix_fail(EPERM);
}

/* A file of lines with fields between colons. */
#define FIELDS 7
struct table {
    const char *path;
    FILE *file;
    char *line;
    size_t room;
};

/* The next line's fields, which lie in `line`; false at the end. */
static bool next_line(struct table *table, int wanted, char *fields[FIELDS]) {
    if (table->file == NULL && (table->file = fopen(table->path, "re")) == NULL) return false;
    while (getline(&table->line, &table->room, table->file) >= 0) {
        char *rest = table->line;
        rest[strcspn(rest, "\n")] = 0;
        int count = 0;
        while (rest && count < FIELDS) fields[count++] = strsep(&rest, ":");
        if (count >= wanted && *fields[0]) return true;
    }
    return false;
}

static void rewind_table(struct table *table) {
    if (table->file) fclose(table->file);
    table->file = NULL;
}

static struct table users = {.path = "/etc/passwd"}, groups = {.path = "/etc/group"};
static struct passwd user;
static struct group group;
static char **members;

LIBC void setpwent(void) { rewind_table(&users); }
LIBC void endpwent(void) { rewind_table(&users); }
LIBC struct passwd *getpwent(void) {
    char *fields[FIELDS];
    if (!next_line(&users, FIELDS, fields)) return NULL;
    user = (struct passwd){
        .pw_name = fields[0],
        .pw_passwd = fields[1],
        .pw_uid = (uid_t)strtoul(fields[2], NULL, 10),
        .pw_gid = (gid_t)strtoul(fields[3], NULL, 10),
        .pw_gecos = fields[4],
        .pw_dir = fields[5],
        .pw_shell = fields[6],
    };
    return &user;
}

/* Not found is no error: errno stays. */
static struct passwd *find_user(const char *name, uid_t id) {
    int before = errno;
    setpwent();
    struct passwd *found;
    while ((found = getpwent()) != NULL && (name ? strcmp(found->pw_name, name) != 0 : found->pw_uid != id)) {
    }
    endpwent();
    errno = before;
    return found;
}
LIBC struct passwd *getpwnam(const char *name) { return find_user(name, 0); }
LIBC struct passwd *getpwuid(uid_t id) { return find_user(NULL, id); }

LIBC void setgrent(void) { rewind_table(&groups); }
LIBC void endgrent(void) { rewind_table(&groups); }
LIBC struct group *getgrent(void) {
    char *fields[FIELDS];
    if (!next_line(&groups, 4, fields)) return NULL;
    size_t count = 0, room = 2;
    for (const char *at = fields[3]; *at; at++) room += *at == ',';
    char **larger = reallocarray(members, room, sizeof *members);
    if (larger == NULL) return NULL;
    members = larger;
    for (char *rest = fields[3]; rest && *rest;) members[count++] = strsep(&rest, ",");
    members[count] = NULL;
    group = (struct group){
        .gr_name = fields[0],
        .gr_passwd = fields[1],
        .gr_gid = (gid_t)strtoul(fields[2], NULL, 10),
        .gr_mem = members,
    };
    return &group;
}

static struct group *find_group(const char *name, gid_t id) {
    int before = errno;
    setgrent();
    struct group *found;
    while ((found = getgrent()) != NULL && (name ? strcmp(found->gr_name, name) != 0 : found->gr_gid != id)) {
    }
    endgrent();
    errno = before;
    return found;
}
LIBC struct group *getgrnam(const char *name) { return find_group(name, 0); }
LIBC struct group *getgrgid(gid_t id) { return find_group(NULL, id); }

LIBC int getgrouplist(const char *name, gid_t own, gid_t *list, int *count) {
    (void)name;
    int room = *count;
    *count = 1;
    if (room < 1) return -1;
    list[0] = own;
    return 1;
}

LIBC char *getlogin(void) {
    struct passwd *found = getpwuid(OWN_ID);
    if (found == NULL) errno = ENOENT;
    return found ? found->pw_name : NULL;
}
LIBC int getlogin_r(char *to, size_t size) {
    const char *name = getlogin();
    if (name == NULL) return ENOENT;
    return strlcpy(to, name, size) < size ? 0 : ERANGE;
}
