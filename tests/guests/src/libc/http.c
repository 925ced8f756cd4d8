// METHOD URL [DEADLINE_MS [HEADER_NAME HEADER_VALUE [BODY...]]]: a request by <torpor/http.h>, and what it is answered with. The
// arguments from BODY on are the body, written one after another. With a deadline of less than 0 there is none, but an alarm then,
// which is told, and the wait begins anew.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <torpor/http.h>

static int told(void) {
    printf("error %d %s\n", torpor_http_error(), torpor_http_message());
    return 0;
}

static void on_alarm(int signal) { (void)signal; }

static int64_t deadline_or_alarm(const char *text) {
    int64_t wait = atoi(text) * 1000000LL;
    struct itimerval timer = {.it_value = {.tv_usec = (suseconds_t)(-wait / 1000)}};
    if (wait >= 0) return wait;
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    return 0;
}

int main(int argc, char **argv) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t wait = argc > 3 ? deadline_or_alarm(argv[3]) : 0;
    struct torpor_http_options options = {.deadline = wait ? now.tv_sec * 1000000000LL + now.tv_nsec + wait : 0};
    struct torpor_http_header header = {argc > 5 ? argv[4] : "", argc > 5 ? argv[5] : ""};
    struct torpor_http *http = torpor_http_open(argv[1], argv[2], &header, argc > 5, argc > 6, &options);
    if (!http) return told();
    for (int i = 6; i < argc; i++)
        if (torpor_http_write(http, argv[i], strlen(argv[i]))) break;
    int status = torpor_http_status(http);
    if (status < 0 && torpor_http_error() == TORPOR_HTTP_INTERRUPTED) {
        printf("%s\n", torpor_http_message());
        fflush(stdout);
        status = torpor_http_status(http);
    }
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
