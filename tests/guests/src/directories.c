// mkdir, rmdir and their failures.
#include "guest.h"

int main(int argc, char **argv) {
    enter(argc, argv);
    put("dir.file", "");
    report("mkdir", mkdir("dir.a", 0755));
    report("mkdir again", mkdir("dir.a", 0755));
    report("mkdir over a file", mkdir("dir.file", 0755));
    report("mkdir without its parent", mkdir("dir.none/x", 0755));
    report("mkdir below a file", mkdir("dir.file/x", 0755));
    report("mkdir inside", mkdir("dir.a/b", 0755));
    report("rmdir of a full one", rmdir("dir.a"));
    report("rmdir of a file", rmdir("dir.file"));
    report("rmdir of a missing one", rmdir("dir.none"));
    report("unlink of a directory", unlink("dir.a/b") < 0 ? -1 : 0);
    report("rmdir inside", rmdir("dir.a/b"));
    report("rmdir", rmdir("dir.a"));
    report("rmdir of the root", rmdir("/") < 0 ? -1 : 0);
    char name[300];
    memset(name, 'n', sizeof name);
    name[255] = 0;
    report("255 bytes of name", mkdir(name, 0755));
    name[255] = 'n';
    name[256] = 0;
    report("256 bytes of name", mkdir(name, 0755));
    return 0;
}
