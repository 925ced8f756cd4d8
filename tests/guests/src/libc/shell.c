// popen, system and execvp. A shell must be there: its file is what /bin/sh is.
#include "check.h"

int main(void) {
    check("a shell", system(NULL) != 0);
    check("system", system("exit 3") == 3 << 8);
    FILE *pipe = popen("echo one; echo two", "r");
    char line[16] = "";
    check("popen", pipe != NULL && fgets(line, sizeof line, pipe) && strcmp(line, "one\n") == 0);
    check("its second line", fgets(line, sizeof line, pipe) && strcmp(line, "two\n") == 0 && !fgets(line, sizeof line, pipe));
    check("pclose", pclose(pipe) == 0);
    pipe = popen("read line; test \"$line\" = given; exit $?", "w");
    fputs("given\n", pipe);
    check("to a command", pclose(pipe) == 0);
    pipe = popen("exit 5", "r");
    check("its status", pclose(pipe) == 5 << 8);
    execlp("sh", "sh", "-c", "echo done", (char *)NULL);
    return 1;
}
