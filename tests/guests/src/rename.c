// Renames files and directories, onto others and into themselves.
#include "guest.h"

int main(int argc, char **argv) {
    enter(argc, argv);
    put("ren.a", "a");
    put("ren.b", "b");
    mkdir("ren.dir", 0755);
    mkdir("ren.full", 0755);
    put("ren.full/x", "x");
    report("missing", rename("ren.none", "ren.c"));
    report("over a file", rename("ren.a", "ren.b"));
    show("ren.a");
    show("ren.b");
    report("onto itself", rename("ren.b", "ren.b"));
    report("file over a directory", rename("ren.b", "ren.dir"));
    report("directory over a file", rename("ren.dir", "ren.b"));
    report("directory over a full one", rename("ren.dir", "ren.full"));
    report("directory over an empty one", rename("ren.full", "ren.dir"));
    show("ren.dir/x");
    mkdir("ren.dir/sub", 0755);
    report("into itself", rename("ren.dir", "ren.dir/sub/x"));
    report("into a directory", rename("ren.b", "ren.dir/b"));
    show("ren.dir/b");
    link("ren.dir/b", "ren.hard");
    report("over its own hard link", rename("ren.dir/b", "ren.hard"));
    show("ren.dir/b");
    show("ren.hard");
    return 0;
}
