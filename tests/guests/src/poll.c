// Waits for stdin with a timeout (ms), again and again until stdin ends: "timeout", "data N" or "end" each time.
#include <poll.h>

#include "guest.h"

int main(int argc, char **argv) {
    int timeout = argc > 1 ? atoi(argv[1]) : 100, left = argc > 2 ? atoi(argv[2]) : 1000;
    while (left--) {
        struct pollfd stdin_fd = {.fd = 0, .events = POLLIN};
        int ready = poll(&stdin_fd, 1, timeout);
        char buffer[4096];
        if (ready < 0) {
            printf("poll: %s\n", error_name(errno));
            return 1;
        }
        if (ready == 0) {
            puts("timeout");
        } else {
            ssize_t size = read(0, buffer, sizeof buffer);
            if (size <= 0) {
                puts(size == 0 ? "end" : error_name(errno));
                return 0;
            }
            printf("data %ld\n", (long)size);
        }
        fflush(stdout);
    }
    return 0;
}
