// Prints its arguments, its environment and its working directory.
#include "guest.h"

extern char **environ;

int main(int argc, char **argv) {
    for (int i = 0; i < argc; i++) printf("arg %d %s\n", i, argv[i]);
    for (char **entry = environ; entry && *entry; entry++) printf("env %s\n", *entry);
    char here[4096];
    printf("cwd %s\n", getcwd(here, sizeof here) ? here : error_name(errno));
    return 0;
}
