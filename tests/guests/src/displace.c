// Tries to put something else in the place of a file of the host's, given as /DIRECTORY/SEALED/FILE, by what is above it.
#include "guest.h"

int main(int argc, char **argv) {
    char top[200], sealed[200], other[200];
    if (argc < 2) return 2;
    snprintf(sealed, sizeof sealed, "%s", argv[1]);
    *strrchr(sealed, '/') = 0;
    snprintf(top, sizeof top, "%s", sealed);
    *strrchr(top, '/') = 0;
    snprintf(other, sizeof other, "/tmp/..%s", top);
    mkdir("/tmp/mine", 0755);
    mkdir("/tmp/empty", 0755);
    put("/tmp/mine/file", "FAKE");
    symlink("/", "/tmp/root");
    report("move what is above", rename(top, "/moved"));
    report("by another path", rename(other, "/moved"));
    report("through a link", rename("/tmp/root/etc", "/moved"));
    report("from within", chdir(top) == 0 ? rename("../etc", "../moved") : -1);
    chdir("/");
    report("move the sealed one", rename(sealed, "/moved"));
    report("move the file", rename(argv[1], "/moved"));
    report("a directory over what is above", rename("/tmp/mine", top));
    report("a directory over the sealed one", rename("/tmp/empty", sealed));
    report("a file over the file", rename("/tmp/mine/file", argv[1]));
    report("remove what is above", rmdir(top));
    report("remove the sealed one", rmdir(sealed));
    report("unlink the file", unlink(argv[1]));
    report("a link over what is above", symlink("/tmp/mine", top));
    report("a hard link out of it", link(argv[1], "/tmp/second"));
    report("a hard link into its place", link("/tmp/mine/file", argv[1]));
    report("write", open(argv[1], O_WRONLY));
    report("cut off", open(argv[1], O_WRONLY | O_TRUNC));
    report("another file beside it", open("/etc/torpor/other", O_WRONLY | O_CREAT, 0644));
    report("a file in what is above", open("/etc/hosts", O_WRONLY | O_CREAT, 0644));
    return 0;
}
