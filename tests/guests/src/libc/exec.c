// A program becomes another one: itself, with other arguments and another environment. Its name is the first argument of the first.
#include "check.h"

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[2], "again") == 0) {
        check("arguments", argc == 4 && strcmp(argv[3], "a b") == 0);
        const char *given = getenv("GIVEN");
        check("environment", given && strcmp(given, "yes") == 0 && !getenv("HOME"));
        check("a descriptor that stays", fcntl(8, F_GETFD) == 0);
        check("one that was to be closed", failed(fcntl(9, F_GETFD), EBADF));
        return done();
    }
    check("no such program", failed(execl("/nowhere", "nowhere", (char *)NULL), ENOENT));
    check("a directory", failed(execl("/", "root", (char *)NULL), EACCES));
    dup2(1, 8);
    dup3(1, 9, O_CLOEXEC);
    char *arguments[] = {argv[0], argv[1], (char *)"again", (char *)"a b", NULL}, *environment[] = {(char *)"GIVEN=yes", NULL};
    execve(argv[1], arguments, environment);
    check("execve", false);
    return 1;
}
