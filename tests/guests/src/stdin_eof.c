// Reads stdin to its end and once more: the end stays the end.
#include "guest.h"

int main(void) {
    char buffer[4096];
    long total = 0;
    ssize_t size;
    while ((size = read(0, buffer, sizeof buffer)) > 0) total += size;
    printf("%ld bytes, then %s\n", total, size == 0 ? "end" : error_name(errno));
    size = read(0, buffer, sizeof buffer);
    printf("again: %s\n", size == 0 ? "end" : size < 0 ? error_name(errno) : "data");
    return 0;
}
