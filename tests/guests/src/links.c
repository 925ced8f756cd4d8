// Hard links and symbolic links.
#include "guest.h"

int main(int argc, char **argv) {
    enter(argc, argv);
    put("ln.a", "one");
    report("link", link("ln.a", "ln.b"));
    report("link over an existing name", link("ln.a", "ln.b"));
    put("ln.b", "two");
    show("ln.a");
    struct stat st;
    stat("ln.a", &st);
    printf("links %lld\n", (long long)st.st_nlink);
    report("unlink", unlink("ln.a"));
    stat("ln.b", &st);
    printf("links %lld\n", (long long)st.st_nlink);
    mkdir("ln.dir", 0755);
    report("link to a directory", link("ln.dir", "ln.dir2") < 0 ? -1 : 0);

    char target[64];
    report("symlink", symlink("ln.b", "ln.s"));
    report("symlink over an existing name", symlink("x", "ln.s"));
    ssize_t size = readlink("ln.s", target, sizeof target);
    printf("readlink %.*s\n", (int)size, target);
    report("readlink of a file", readlink("ln.b", target, sizeof target));
    show("ln.s");
    report("O_NOFOLLOW", open("ln.s", O_RDONLY | O_NOFOLLOW));
    report("dangling symlink", symlink("ln.none", "ln.d"));
    show("ln.d");
    report("create through it", open("ln.d", O_WRONLY | O_CREAT, 0644));
    report("its target is there", stat("ln.none", &st));
    report("O_EXCL does not follow", open("ln.d", O_WRONLY | O_CREAT | O_EXCL, 0644));
    put("ln.dir/inner", "inner");
    symlink("ln.dir", "ln.sd");
    show("ln.sd/inner");
    report("rmdir of a symlink", rmdir("ln.sd"));
    report("unlink of a symlink", unlink("ln.sd"));
    show("ln.dir/inner");
    symlink("../../../../../../..", "ln.up");
    report("above the root is the root", stat("ln.up", &st));
    return 0;
}
