/* One program with many names: which it is called by says what it does. */
#include "net.h"

#include <libgen.h>
#include <signal.h>
#include <string.h>

const char *program;

static const struct { const char *name; int (*main)(int, char **); } PROGRAMS[] = {
    {"curl", main_curl}, {"git-remote-http", main_git_remote}, {"git-remote-https", main_git_remote}, {"scp", main_ssh},
    {"sftp", main_ssh},  {"ssh", main_ssh},                    {"wget", main_wget},
};

void complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "%s: ", program);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* 255 is what ssh ends with where it cannot connect. */
int main_ssh(int argc, char **argv) {
    (void)argc, (void)argv;
    complain("a VM has no sockets, only HTTP and HTTPS: there is no %s here", program);
    complain("with git, use the remote's https:// address, and a secret of the session for its token, for instance");
    complain("  git config --global url.https://github.com/.insteadOf git@github.com:");
    complain("  (\"git over HTTPS\" in Torpor's documentation, docs/permissions-and-network.md)");
    return 255;
}

int main(int argc, char **argv) {
    program = argc ? basename(argv[0]) : "";
    signal(SIGPIPE, SIG_IGN); /* writing says what became of it */
    for (size_t each = 0; each < sizeof PROGRAMS / sizeof *PROGRAMS; each++)
        if (!strcmp(program, PROGRAMS[each].name)) return PROGRAMS[each].main(argc, argv);
    complain("no program of this name");
    return 127;
}
