/* What wasi-libc's <unistd.h> leaves out. */
#include_next <unistd.h>
#ifndef TORPOR_UNISTD_H
#define TORPOR_UNISTD_H

#ifdef __cplusplus
extern "C" {
#endif

pid_t fork(void) __attribute__((__returns_twice__));
pid_t vfork(void) __attribute__((__returns_twice__));
#ifdef POSIX_FORK_IN_PLACE
/* The parent comes back to where the child goes on, so this has to be a setjmp in the frame that calls it. */
void *__posix_fork_place(void);
int __posix_setjmp(void *) __asm__("setjmp") __attribute__((__returns_twice__));
pid_t __posix_forked(int);
#define vfork() __posix_forked(__posix_setjmp(__posix_fork_place()))
#endif
#ifdef POSIX_FORK_EXEC
#define fork() vfork()
#endif
int execve(const char *, char *const[], char *const[]);
int execv(const char *, char *const[]);
int execvp(const char *, char *const[]);
int execvpe(const char *, char *const[], char *const[]);
int execl(const char *, const char *, ...);
int execlp(const char *, const char *, ...);
int execle(const char *, const char *, ...);
pid_t gettid(void);
pid_t getppid(void);
pid_t getpgrp(void);
pid_t getpgid(pid_t);
pid_t getsid(pid_t);
int setpgid(pid_t, pid_t);
int setpgrp(void);
pid_t setsid(void);
pid_t tcgetpgrp(int);
int tcsetpgrp(int, pid_t);

int pipe(int[2]);
int pipe2(int[2], int);
int dup(int);
int dup2(int, int);
int dup3(int, int, int);
int fchdir(int);
char *get_current_dir_name(void);
int eaccess(const char *, int);
int euidaccess(const char *, int);
void sync(void);
int syncfs(int);
int lockf(int, int, off_t);
char *ttyname(int);
int ttyname_r(int, char *, size_t);
char *getpass(const char *);

uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
int getresuid(uid_t *, uid_t *, uid_t *);
int getresgid(gid_t *, gid_t *, gid_t *);
int getgroups(int, gid_t[]);
int setuid(uid_t);
int seteuid(uid_t);
int setgid(gid_t);
int setegid(gid_t);
int setreuid(uid_t, uid_t);
int setregid(gid_t, gid_t);
int setresuid(uid_t, uid_t, uid_t);
int setresgid(gid_t, gid_t, gid_t);
int chown(const char *, uid_t, gid_t);
int lchown(const char *, uid_t, gid_t);
int fchown(int, uid_t, gid_t);
int fchownat(int, const char *, uid_t, gid_t, int);
int issetugid(void);

unsigned alarm(unsigned);
int pause(void);
int nice(int);
int chroot(const char *);
int daemon(int, int);
int getdtablesize(void);
int sethostname(const char *, size_t);
int getdomainname(char *, size_t);
int vhangup(void);
int acct(const char *);

#ifdef __cplusplus
}
#endif
#endif
