/* watch: what a command prints, again and again. */
#include "tools.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void end(int signal) {
    (void)signal;
    printf("\033[?25h\n");
    exit(0);
}

static char *joined(char **words) {
    size_t size = 1;
    for (char **word = words; *word; word++) size += strlen(*word) + 1;
    char *all = calloc(1, size);
    for (char **word = words; all && *word; word++) strcat(strcat(all, *all ? " " : ""), *word);
    return all;
}

/* The command's output, the first lines of it; its exit code. */
static int show(const char *command, int rows) {
    FILE *output = popen(command, "r");
    if (!output) return -1;
    for (int byte; (byte = getc(output)) != EOF;) {
        if (rows <= 0) continue;
        if (byte == '\n') fputs("\033[K\n", stdout), rows--;
        else putchar(byte);
    }
    fputs("\033[J", stdout);
    fflush(stdout);
    int status = pclose(output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main_watch(int argc, char **argv) {
    static const struct option OPTIONS[] = {{"interval", required_argument, NULL, 'n'}, {"no-title", no_argument, NULL, 't'}, {"errexit", no_argument, NULL, 'e'},
                                            {"beep", no_argument, NULL, 'b'}, {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {0}};
    static const char usage[] = "\nUsage:\n watch [options] command\n\nOptions:\n  -b, --beep             beep if command has a non-zero exit\n"
                                "  -e, --errexit          exit if command has a non-zero exit\n  -n, --interval <secs>  seconds to wait between updates\n"
                                "  -t, --no-title         turn off header\n\n -h, --help     display this help and exit\n -v, --version  output version information and exit\n";
    double pause = 2;
    bool untitled = false, stops = false, beeps = false;
    for (int option; (option = getopt_long(argc, argv, "+n:tebhv", OPTIONS, NULL)) != -1;) {
        char *rest = "";
        switch (option) {
            case 'n':
                pause = strtod(optarg, &rest);
                if (*rest) return complain("failed to parse argument: '%s'", optarg), 1;
                if (!(pause >= 0.1)) pause = 0.1;
                break;
            case 't': untitled = true; break;
            case 'e': stops = true; break;
            case 'b': beeps = true; break;
            case 'h': fputs(usage, stdout); return 0;
            case 'v': puts("watch of Torpor"); return 0;
            default: fputs(usage, stderr); return 1;
        }
    }
    if (optind == argc) return fputs(usage, stderr), 1;
    char *command = joined(argv + optind), host[64] = "";
    gethostname(host, sizeof host);
    struct sigaction on_end = {.sa_handler = end};
    sigaction(SIGINT, &on_end, NULL);
    sigaction(SIGTERM, &on_end, NULL);
    printf("\033[?25l\033[2J");
    for (;;) {
        struct screen screen = screen_size();
        time_t now = time(NULL);
        char left[256], right[128], clock[64];
        strftime(clock, sizeof clock, "%a %b %e %H:%M:%S %Y", localtime(&now));
        int length = snprintf(right, sizeof right, "%s: %s", host, clock), room = (screen.columns ? screen.columns : 80) - length - 1;
        fputs("\033[H", stdout);
        if (!untitled) {
            snprintf(left, sizeof left, "Every %.1fs: %s", pause, command);
            printf("%-*.*s %s\033[K\n\033[K\n", room, room, left, right);
        }
        int code = show(command, screen.rows - (untitled ? 1 : 3));
        if (code && beeps) putchar('\a');
        if (code && stops) return printf("\033[?25h\n"), 8;
        poll(NULL, 0, milliseconds(pause));
    }
}
