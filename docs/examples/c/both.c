/* both COMMAND COMMAND: runs two commands of the shell side by side; ends with the larger of their exit codes. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: both COMMAND COMMAND\n");
        return 2;
    }
    for (int i = 1; i <= 2; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            perror("both: fork");
            return 126;
        }
        if (pid == 0) {
            execl("/bin/sh", "sh", "-c", argv[i], (char *)NULL);
            perror("both: /bin/sh");
            _exit(127);
        }
    }
    int status, worst = 0;
    while (wait(&status) > 0) {
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (code > worst) worst = code;
    }
    return worst;
}
