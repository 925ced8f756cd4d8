// O_CREAT | O_EXCL.
#include "guest.h"

int main(int argc, char **argv) {
    enter(argc, argv);
    report("first", open("excl.txt", O_WRONLY | O_CREAT | O_EXCL, 0644));
    report("second", open("excl.txt", O_WRONLY | O_CREAT | O_EXCL, 0644));
    report("without O_EXCL", open("excl.txt", O_WRONLY | O_CREAT, 0644));
    symlink("nowhere", "excl.link");
    report("dangling symlink", open("excl.link", O_WRONLY | O_CREAT | O_EXCL, 0644));
    report("O_DIRECTORY of a file", open("excl.txt", O_RDONLY | O_DIRECTORY));
    report("in a missing directory", open("excl.none/x", O_WRONLY | O_CREAT | O_EXCL, 0644));
    return 0;
}
