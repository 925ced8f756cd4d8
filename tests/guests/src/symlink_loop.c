// Symbolic links that never end.
#include "guest.h"

int main(int argc, char **argv) {
    enter(argc, argv);
    struct stat st;
    symlink("loop.b", "loop.a");
    symlink("loop.a", "loop.b");
    symlink("loop.self", "loop.self");
    report("stat", stat("loop.a", &st));
    report("open", open("loop.a", O_RDONLY));
    report("create", open("loop.a", O_WRONLY | O_CREAT, 0644));
    report("through it", open("loop.self/x", O_RDONLY));
    report("lstat", lstat("loop.a", &st));
    report("unlink", unlink("loop.a"));
    char name[32], next[32];
    put("chain.0", "end");
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "chain.%d", i);
        snprintf(next, sizeof next, "chain.%d", i + 1);
        symlink(name, next);
    }
    show("chain.8");
    show("chain.60");
    return 0;
}
