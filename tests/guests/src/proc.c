// /proc as a program of WASI sees it.
#include <dirent.h>

#include "guest.h"

int main(void) {
    char text[4096] = {0};
    FILE *comm = fopen("/proc/self/comm", "r");
    printf("comm %s", fgets(text, sizeof text, comm));
    fclose(comm);
    int fd = open("/proc/self/cmdline", O_RDONLY);
    long size = read(fd, text, sizeof text);
    printf("cmdline %ld %s %s\n", size, text, text + strlen(text) + 1);
    close(fd);
    int count = 0;
    DIR *fds = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(fds));) count += entry->d_name[0] != '.';
    closedir(fds);
    printf("fds %d\n", count);
    struct stat st;
    stat("/proc/meminfo", &st);
    printf("meminfo %s size %ld\n", S_ISREG(st.st_mode) ? "file" : "?", (long)st.st_size);
    report("write", open("/proc/self/comm", O_WRONLY));
    report("make", mkdir("/proc/new", 0755));
    return 0;
}
