#include <stdio.h>
#include <torpor/http.h>

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    struct torpor_http *http = torpor_http_open("GET", argv[1], NULL, 0, false, NULL);
    int status = http ? torpor_http_status(http) : -1;
    if (status < 0) {
        fprintf(stderr, "%s\n", torpor_http_message());
        return 1;
    }
    printf("%d %s\n", status, torpor_http_header(http, "content-type"));
    static char buffer[65536];
    for (ssize_t size; (size = torpor_http_read(http, buffer, sizeof buffer)) > 0;) fwrite(buffer, 1, (size_t)size, stdout);
    torpor_http_close(http);
    return 0;
}
