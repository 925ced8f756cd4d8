// GETs the URL of its first argument and prints the response as it arrives. A refusal or failure is printed by its code.
#include "http.h"

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    handle request = request_to(argv[1], GET, new_fields());
    handle future = start(request);
    if (future < 0) return 0;
    handle response = await_response(future);
    drop_future(future);
    if (response >= 0) print_response(response, "content-type");
    return 0;
}
