// POSTs to the URL of its first argument; the other arguments are the body, written one at a time while the request is on its
// way.
#include "http.h"

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    handle headers = new_fields();
    uint8_t result[64];
    fields_append(headers, "content-type", 12, "text/plain", 10, result);
    handle request = request_to(argv[1], POST, headers);
    struct owned body, out;
    request_body(request, &body);
    body_write(body.it, &out);
    handle future = start(request);
    if (future < 0) return 0;
    for (int i = 2; i < argc; i++) {
        blocking_write(out.it, argv[i], strlen(argv[i]), result);
        printf("%s %s\n", *result ? "not sent" : "sent", argv[i]);
        fflush(stdout);
    }
    drop_output(out.it);
    _Alignas(8) uint8_t finished[64];
    finish_body(body.it, 0, 0, finished);
    if (finished[0]) printf("finish: %s\n", ERROR_CODES[finished[8]]);
    handle response = await_response(future);
    drop_future(future);
    if (response >= 0) print_response(response, "content-type");
    return 0;
}
