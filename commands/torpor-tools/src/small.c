/* which, hostname, clear and reset. */
#include "tools.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* which, as debianutils has it */

static bool is_program(const char *path) {
    struct stat of;
    return !stat(path, &of) && S_ISREG(of.st_mode) && !access(path, X_OK);
}

static bool find_program(const char *name, bool all, bool quiet) {
    bool found = false;
    if (strchr(name, '/')) {
        found = is_program(name);
        if (found && !quiet) puts(name);
        return found;
    }
    const char *path = getenv("PATH");
    for (const char *at = path ? path : ""; at; at = strchr(at, ':')) {
        at += *at == ':' && at != path;
        int length = (int)strcspn(at, ":");
        char *candidate;
        if (asprintf(&candidate, "%.*s/%s", length ? length : 1, length ? at : ".", name) < 0) return false;
        bool good = *name && is_program(candidate);
        if (good && !quiet) puts(candidate);
        free(candidate);
        found |= good;
        if (found && !all) break;
    }
    return found;
}

int main_which(int argc, char **argv) {
    bool all = false, quiet = false;
    opterr = 0;
    for (int option; (option = getopt(argc, argv, "+as")) != -1;) {
        if (option == 'a') all = true;
        else if (option == 's') quiet = true;
        else {
            printf("Illegal option -%c\nUsage: %s [-a] args\n", optopt, argv[0]);
            return 2;
        }
    }
    int missing = optind == argc;
    for (int at = optind; at < argc; at++) missing |= !find_program(argv[at], all, quiet);
    return missing;
}

/* hostname */

int main_hostname(int argc, char **argv) {
    static const struct option OPTIONS[] = {
        {"short", no_argument, NULL, 's'}, {"fqdn", no_argument, NULL, 'f'}, {"long", no_argument, NULL, 'f'}, {"domain", no_argument, NULL, 'd'},
        {"alias", no_argument, NULL, 'a'}, {"ip-address", no_argument, NULL, 'i'}, {"all-ip-addresses", no_argument, NULL, 'I'},
        {"all-fqdns", no_argument, NULL, 'A'}, {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    static const char usage[] = "Usage: hostname [-b] {hostname|-F file}         set host name (from file)\n"
                                "       hostname [-a|-A|-d|-f|-i|-I|-s|-y]       display formatted name\n       hostname                                 display host name\n";
    char name[256];
    int how = 0;
    for (int option; (option = getopt_long(argc, argv, "sfdaiIAF:bhV", OPTIONS, NULL)) != -1;) {
        if (option == 'h') return fputs(usage, stdout), 0;
        if (option == 'V') return puts("hostname of Torpor"), 0;
        if (option == '?') return fputs(usage, stderr), 255;
        how = option;
    }
    if (optind < argc || how == 'F' || how == 'b') {
        complain("you must be root to change the host name");
        return 1;
    }
    gethostname(name, sizeof name);
    char *dot = strchr(name, '.');
    switch (how) {
        case 's': if (dot) *dot = 0; puts(name); break;
        case 'd': puts(dot ? dot + 1 : ""); break;
        case 'i': puts("127.0.0.1"); break;
        case 'a': case 'A': case 'I': puts(""); break;
        default: puts(name);
    }
    return 0;
}

/* clear and reset: all terminals are those that xterm is taken for */

static bool has_terminal_type(void) {
    const char *type = getenv("TERM");
    if (type && *type) return true;
    fputs("TERM environment variable not set.\n", stderr);
    return false;
}

int main_clear(int argc, char **argv) {
    bool keeps = false;
    for (int option; (option = getopt(argc, argv, "xT:V")) != -1;) {
        if (option == 'x') keeps = true;
        else if (option == 'V') return puts("clear of Torpor"), 0;
        else if (option == '?') return fputs("Usage: clear [options]\n\nOptions:\n  -T TERM     use this instead of $TERM\n  -V          print curses-version\n  -x          do not try to clear scrollback\n", stderr), 1;
        else if (option == 'T') setenv("TERM", optarg, 1);
    }
    if (!has_terminal_type()) return 1;
    fputs(keeps ? "\033[H\033[2J" : "\033[H\033[2J\033[3J", stdout);
    return 0;
}

int main_reset(int argc, char **argv) {
    struct termios settings;
    (void)argc, (void)argv;
    int fd = isatty(2) ? 2 : isatty(1) ? 1 : isatty(0) ? 0 : open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (fd < 0 || tcgetattr(fd, &settings)) {
        complain("terminal attributes: %s", strerror(errno));
        return 1;
    }
    if (!has_terminal_type()) return 1;
    static const cc_t KEYS[][2] = {{VINTR, 3}, {VQUIT, 28}, {VERASE, 127}, {VKILL, 21}, {VEOF, 4}, {VSTART, 17}, {VSTOP, 19}, {VSUSP, 26}};
    for (size_t each = 0; each < sizeof KEYS / sizeof *KEYS; each++) settings.c_cc[KEYS[each][0]] = KEYS[each][1];
    settings.c_iflag = (settings.c_iflag & ~(tcflag_t)(IGNBRK | INLCR | IGNCR | IXOFF)) | BRKINT | ICRNL | IXON;
    settings.c_oflag |= OPOST | ONLCR;
    settings.c_cflag = (settings.c_cflag & ~(tcflag_t)CSIZE) | CS8 | CREAD;
    settings.c_lflag |= ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK;
    tcsetattr(fd, TCSADRAIN, &settings);
    dprintf(fd, "\033c\033[!p\033[?3;4l\033[4l\033>");
    return 0;
}
