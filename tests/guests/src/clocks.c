// Prints wall time (s), then whether monotonic time advances over a sleep of the given milliseconds.
#include "guest.h"

int main(int argc, char **argv) {
    long ms = argc > 1 ? atol(argv[1]) : 10;
    struct timespec wall, resolution, pause = {ms / 1000, ms % 1000 * 1000000};
    report("wall clock", clock_gettime(CLOCK_REALTIME, &wall));
    printf("wall %lld\n", (long long)wall.tv_sec);
    report("resolution", clock_getres(CLOCK_MONOTONIC, &resolution));
    int64_t before = now_ns();
    report("sleep", nanosleep(&pause, NULL));
    int64_t after = now_ns();
    printf("slept %lld ms\n", (long long)((after - before) / 1000000));
    printf("monotonic %s\n", after >= before + ms * 1000000LL ? "ok" : "too early");
    return 0;
}
