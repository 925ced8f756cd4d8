// Lists a directory, sorted, with types; then one of many entries, and what is no directory.
#include <dirent.h>

#include "guest.h"

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path) {
    DIR *directory = opendir(path);
    if (!directory) {
        printf("%s: %s\n", path, error_name(errno));
        return;
    }
    char *names[64];
    int count = 0, dots = 0;
    for (struct dirent *entry; (entry = readdir(directory)) && count < 64;) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) {
            dots++;
            continue;
        }
        char *line = malloc(strlen(entry->d_name) + 3);
        const char *mark = entry->d_type == DT_DIR ? "/" : entry->d_type == DT_LNK ? "@" : "";
        sprintf(line, "%s%s", entry->d_name, mark);
        names[count++] = line;
    }
    closedir(directory);
    qsort(names, count, sizeof *names, by_name);
    printf("%s:", path);
    for (int i = 0; i < count; i++) printf(" %s", names[i]);
    printf(" (dots %d)\n", dots);
}

int main(int argc, char **argv) {
    enter(argc, argv);
    mkdir("rd", 0755);
    list("rd");
    put("rd/b", "");
    put("rd/a", "");
    put("rd/.hidden", "");
    mkdir("rd/sub", 0755);
    symlink("a", "rd/link");
    list("rd");
    list("rd/a");
    list("rd/none");
    list("rd/sub/..");
    unlink("rd/a");
    list("rd");

    mkdir("rd.many", 0755);
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "rd.many/%04d", i);
        put(name, "");
    }
    DIR *directory = opendir("rd.many");
    int seen = 0;
    for (struct dirent *entry; (entry = readdir(directory));) seen += entry->d_name[0] != '.';
    printf("many: %d\n", seen);
    return 0;
}
