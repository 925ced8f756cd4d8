// The working directory and the umask are the process's own, and its children's at first.
#include "check.h"

int main(void) {
    char path[] = "/tmp/placeXXXXXX", here[4096], small[3];
    struct stat found;
    check("mkdtemp", mkdtemp(path) != NULL);
    check("chdir", chdir(path) == 0);
    check("getcwd", getcwd(here, sizeof here) == here && strcmp(here, path) == 0);
    check("too small", getcwd(small, sizeof small) == NULL && errno == ERANGE);
    check("no such directory", failed(chdir("none"), ENOENT));
    mkdir("sub", 0755);
    int fd = open("sub", O_RDONLY | O_DIRECTORY);
    check("fchdir", fchdir(fd) == 0 && strcmp(strrchr(getcwd(here, sizeof here), '/'), "/sub") == 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool same = strcmp(strrchr(getcwd(here, sizeof here), '/'), "/sub") == 0;
        chdir("/");
        umask(0);
        _exit(same ? 0 : 1);
    }
    check("a child's", ended(pid) == 0);
    check("mine stays", strcmp(strrchr(getcwd(here, sizeof here), '/'), "/sub") == 0);
    check("openat", close(openat(fd, "file", O_CREAT | O_WRONLY, 0666)) == 0);
    umask(022);
    check("umask", umask(077) == 022);
    check("of a file", close(open("private", O_CREAT | O_WRONLY, 0666)) == 0 && stat("private", &found) == 0 && (found.st_mode & 0777) == 0600);
    check("of a directory", mkdir("closed", 0777) == 0 && stat("closed", &found) == 0 && (found.st_mode & 0777) == 0700);
    return done();
}
