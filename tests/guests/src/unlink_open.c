// An open file outlives its name.
#include "guest.h"

int main(int argc, char **argv) {
    enter(argc, argv);
    char text[16] = {0};
    struct stat st;
    int fd = open("gone.txt", O_RDWR | O_CREAT | O_TRUNC, 0644);
    printf("write %ld\n", (long)write(fd, "still", 5));
    report("unlink", unlink("gone.txt"));
    report("stat", stat("gone.txt", &st));
    fstat(fd, &st);
    printf("links %lld size %lld\n", (long long)st.st_nlink, (long long)st.st_size);
    printf("write %ld\n", (long)write(fd, " here", 5));
    lseek(fd, 0, SEEK_SET);
    printf("read %ld %s\n", (long)read(fd, text, sizeof text - 1), text);
    put("gone.txt", "new");
    lseek(fd, 0, SEEK_SET);
    memset(text, 0, sizeof text);
    printf("read %ld %s\n", (long)read(fd, text, sizeof text - 1), text);
    show("gone.txt");
    report("unlink again", unlink("gone.txt"));
    report("unlink a missing one", unlink("gone.txt"));
    return 0;
}
