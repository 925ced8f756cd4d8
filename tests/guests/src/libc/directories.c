// Directories: their entries with types, in more pieces than one, at a descriptor, by glob.
#include <dirent.h>
#include <glob.h>

#include "check.h"

static int not_hidden(const struct dirent *entry) { return entry->d_name[0] != '.'; }

int main(void) {
    char path[] = "/tmp/directoriesXXXXXX", name[64];
    check("mkdtemp", mkdtemp(path) != NULL && chdir(path) == 0);
    mkdir("sub", 0755);
    symlink("sub", "link");
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "a-name-of-some-length-%d", i);
        close(creat(name, 0644));
    }
    DIR *directory = opendir(".");
    check("opendir", directory != NULL);
    struct dirent *entry;
    int files = 0, right = 0;
    while ((entry = readdir(directory)) != NULL) {
        files += entry->d_type == DT_REG;
        right += strcmp(entry->d_name, "sub") == 0 && entry->d_type == DT_DIR;
        right += strcmp(entry->d_name, "link") == 0 && entry->d_type == DT_LNK;
        right += strcmp(entry->d_name, ".") == 0 && entry->d_type == DT_DIR;
        right += strcmp(entry->d_name, "..") == 0 && entry->d_type == DT_DIR;
    }
    check("1,000 files", files == 1000);
    check("types", right == 4);
    rewinddir(directory);
    check("anew", readdir(directory) != NULL);
    struct stat found;
    check("at its descriptor", fstatat(dirfd(directory), "sub", &found, 0) == 0 && S_ISDIR(found.st_mode));
    closedir(directory);
    struct dirent **list;
    check("scandir", scandir(".", &list, not_hidden, alphasort) == 1002 && strcmp(list[1001]->d_name, "sub") == 0);
    close(creat("sub/inner.c", 0644));
    glob_t matches;
    check("glob", glob("s*b/*.c", 0, NULL, &matches) == 0 && matches.gl_pathc == 1 && strcmp(matches.gl_pathv[0], "sub/inner.c") == 0);
    check("no directory", opendir("sub/inner.c") == NULL && errno == ENOTDIR);
    return done();
}
