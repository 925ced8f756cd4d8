// Files and directories by the process interface.
#include "bare.h"

static char buffer[256];
static struct attributes at;

RUN int run(void) {
    int32_t fd = sys_open(HERE, T("made"), READ | WRITE | CREATE | EXCLUSIVE, 0666);
    tell("open", fd);
    tell("again", sys_open(HERE, T("made"), READ | CREATE | EXCLUSIVE, 0666));
    tell("write", sys_write(fd, T("hello world")));
    int32_t other = sys_dup(fd, 0, 0);
    tell("the offset of both", sys_seek(other, 0, 1));
    tell("seek", sys_seek(other, 6, 0));
    tell("read", sys_read(fd, buffer, 3));
    tell("pread", sys_pread(fd, buffer, 100, 6));
    tell("where it was", sys_seek(fd, 0, 1));
    tell("pwrite", sys_pwrite(fd, T("W"), 6));
    tell("stat", sys_stat(fd, 0, 0, 0, &at));
    tell("mode", at.mode);
    tell("size", at.size);
    tell("links", at.links);
    int32_t end = sys_open(HERE, T("made"), WRITE | APPEND, 0);
    tell("append", sys_write(end, T("!")));
    tell("read of what is written", sys_read(end, buffer, 1));
    tell("truncate", sys_truncate(fd, 5));
    tell("sync", sys_sync(fd));
    tell("access", sys_access(HERE, T("made"), 4));
    tell("access to execute", sys_access(HERE, T("made"), 1));
    tell("mode changed", sys_change_mode(HERE, T("made"), 0, 0755));
    tell("access to execute", sys_access(HERE, T("made"), 1));
    tell("times", sys_set_times(HERE, T("made"), 0, 1000, -2));
    sys_stat(HERE, T("made"), 0, &at);
    tell("atime", at.atime);
    tell("directory", sys_make_directory(HERE, T("sub"), 0777));
    tell("rename", sys_rename(HERE, T("made"), HERE, T("sub/moved")));
    int32_t folder = sys_open(HERE, T("sub"), READ | DIRECTORY, 0);
    tell("link", sys_link(folder, T("moved"), folder, T("hard"), 0));
    tell("symlink", sys_make_symlink(T("moved"), folder, T("soft")));
    tell("its target", sys_read_link(folder, T("soft"), buffer, sizeof buffer));
    tell("not followed", sys_open(folder, T("soft"), READ | NO_FOLLOW, 0));
    tell("real path", sys_real_path(folder, T("../sub/./soft"), buffer, sizeof buffer));
    sys_write(1, buffer, 10);
    tell("", sys_read(folder, buffer, 10));
    int32_t got;
    while ((got = sys_list(folder, buffer, 40)) > 0) {
        for (int32_t i = 0; i < got; i += buffer[i + 8]) {
            say(buffer + i + 11);
            tell("", buffer[i + 10]);
        }
    }
    tell("no room for one", (sys_seek(folder, 0, 0), sys_list(folder, buffer, 11)));
    tell("directory to write", sys_open(HERE, T("sub"), WRITE, 0));
    tell("change directory", sys_change_directory(folder, 0, 0));
    tell("where", sys_working_directory(buffer, sizeof buffer));
    tell("nothing there", sys_stat(HERE, T("none"), 0, &at));
    tell("remove a directory", sys_remove(HERE, T("../sub"), 0));
    tell("as one", sys_remove(HERE, T("../sub"), DIRECTORY));
    tell("remove", sys_remove(folder, T("hard"), 0));
    tell("close", sys_close(fd));
    tell("close again", sys_close(fd));
    tell("umask", sys_umask(077));
    sys_close(sys_open(HERE, T("private"), WRITE | CREATE, 0666));
    sys_stat(HERE, T("private"), 0, &at);
    tell("mode", at.mode);
    tell("zero", sys_read(sys_open(HERE, T("/dev/zero"), READ, 0), buffer, 7));
    tell("null", sys_write(sys_open(HERE, T("/dev/null"), WRITE, 0), T("gone")));
    tell("no terminal", sys_window_size(1, buffer));
    tell("to output again", sys_write(sys_open(HERE, T("/dev/fd/1"), WRITE, 0), T("ok ")));
    tell("random", sys_random(buffer, 16));
    return 0;
}
