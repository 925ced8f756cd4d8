// Creates, writes, reads, seeks, appends, truncates.
#include "guest.h"

int main(int argc, char **argv) {
    enter(argc, argv);
    char text[64] = {0};
    report("open missing", open("rw.txt", O_RDWR));
    int fd = report("create", open("rw.txt", O_RDWR | O_CREAT, 0644));
    printf("write %ld\n", (long)write(fd, "hello world", 11));
    printf("position %ld\n", (long)lseek(fd, 0, SEEK_CUR));
    printf("seek %ld\n", (long)lseek(fd, 6, SEEK_SET));
    printf("read %ld %s\n", (long)read(fd, text, 5), text);
    printf("read at the end %ld\n", (long)read(fd, text, 5));
    printf("pwrite %ld\n", (long)pwrite(fd, "W", 1, 6));
    printf("position kept %ld\n", (long)lseek(fd, 0, SEEK_CUR));
    show("rw.txt");
    printf("seek beyond %ld\n", (long)lseek(fd, 4, SEEK_END));
    printf("write beyond %ld\n", (long)write(fd, "!", 1));
    show("rw.txt");
    report("truncate shorter", ftruncate(fd, 5));
    show("rw.txt");
    report("truncate longer", ftruncate(fd, 8));
    show("rw.txt");
    report("seek before the start", lseek(fd, -1, SEEK_SET));
    report("fsync", fsync(fd));
    close(fd);
    report("read closed", read(fd, text, 1));

    int one = open("append.txt", O_WRONLY | O_CREAT | O_APPEND, 0644);
    int two = open("append.txt", O_WRONLY | O_APPEND);
    for (int i = 0; i < 3; i++) {
        if (write(one, "a", 1) != 1 || write(two, "b", 1) != 1) puts("append failed");
    }
    show("append.txt");
    close(one);
    close(two);

    int reader = open("append.txt", O_RDONLY);
    report("write to a reader", write(reader, "x", 1));
    close(reader);
    int writer = open("append.txt", O_WRONLY);
    report("read from a writer", read(writer, text, 1));
    close(writer);
    report("open with O_TRUNC", open("append.txt", O_WRONLY | O_TRUNC));
    show("append.txt");
    report("open directory for writing", open(".", O_WRONLY));
    report("path through a file", open("rw.txt/x", O_RDONLY));
    report("trailing slash on a file", open("rw.txt/", O_RDONLY));
    return 0;
}
