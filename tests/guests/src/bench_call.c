// Times the cheapest host call, reading the monotonic clock. Argument: count.
#include "guest.h"
#include "wasi.h"

WASI("clocks/monotonic-clock", "now") int64_t monotonic_now(void);

int main(int argc, char **argv) {
    long count = argc > 1 ? atol(argv[1]) : 100000;
    int64_t start = monotonic_now();
    for (long i = 0; i < count; i++) monotonic_now();
    printf("call %lld ns/op\n", (long long)((monotonic_now() - start) / count));
    return 0;
}
