// METHOD URL [DEADLINE_MS [HEADER_NAME HEADER_VALUE [BODY...]]]: a request by <torpor/http.h>, and what it is answered with. The
// arguments from BODY on are the body, written one after another.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <torpor/http.h>

static int told(void) {
    printf("error %d %s\n", torpor_http_error(), torpor_http_message());
    return 0;
}

int main(int argc, char **argv) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t wait = argc > 3 ? atoi(argv[3]) * 1000000LL : 0;
    struct torpor_http_options options = {.deadline = wait ? now.tv_sec * 1000000000LL + now.tv_nsec + wait : 0};
    struct torpor_http_header header = {argc > 5 ? argv[4] : "", argc > 5 ? argv[5] : ""};
    struct torpor_http *http = torpor_http_open(argv[1], argv[2], &header, argc > 5, argc > 6, &options);
    if (!http) return told();
    for (int i = 6; i < argc; i++)
        if (torpor_http_write(http, argv[i], strlen(argv[i]))) break;
    int status = torpor_http_status(http);
    if (status < 0) return told();
    const struct torpor_http_header *headers;
    printf("status %d, %d headers, type %s\n", status, torpor_http_headers(http, &headers) > 0, torpor_http_header(http, "Content-Type"));
    char buffer[1000];
    ssize_t size;
    size_t total = 0;
    while ((size = torpor_http_read(http, buffer, sizeof buffer)) > 0) total += (size_t)size, printf("%.*s", (int)size, buffer);
    printf("\n%zu bytes\n", total);
    if (size < 0) return told();
    torpor_http_close(http);
    puts("done");
    return 0;
}
