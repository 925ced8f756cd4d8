// Files opened with O_SYNC and its like: what they say of themselves, and writes that are over when they are durable.
#include "guest.h"

static void try(const char *path, int flags) {
    int fd = open(path, O_RDWR | O_CREAT | flags, 0644);
    int got = fcntl(fd, F_GETFL);
    printf("%s:%s%s%s%s\n", path, got & O_DSYNC & ~O_SYNC ? " dsync" : "", (got & O_SYNC) == O_SYNC ? " sync" : "",
           (got & O_RSYNC) == O_RSYNC ? " rsync" : "", got & O_APPEND ? " append" : "");
    report("write", write(fd, "durable", 7));
    char data[8] = {0};
    report("read", pread(fd, data, 7, 0));
    printf("%s\n", data);
    // Not closed, and nothing is synced: the last line comes when all of it is on the disk.
}

int main(int argc, char **argv) {
    enter(argc, argv);
    try("plain", 0);
    try("sync", O_SYNC);
    try("dsync", O_DSYNC);
    try("rsync", O_RSYNC | O_SYNC);
    try("append", O_SYNC | O_APPEND);
    put("unsynced", "lost");
    return 0;
}
