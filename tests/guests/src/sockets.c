// Tries TCP, UDP and name lookup, and prints how each is denied.
#include "guest.h"
#include "wasi.h"

static const char *const CODES[] = {
    "unknown", "access-denied", "not-supported", "invalid-argument", "out-of-memory", "timeout", "concurrency-conflict",
    "not-in-progress", "would-block", "invalid-state", "new-socket-limit", "address-not-bindable", "address-in-use",
    "remote-unreachable", "connection-refused", "connection-reset", "connection-aborted", "datagram-too-large",
    "name-unresolvable", "temporary-resolver-failure", "permanent-resolver-failure",
};

struct outcome {
    uint8_t failed;
    union {
        handle it;
        uint8_t code;
    };
};

WASI("sockets/tcp-create-socket", "create-tcp-socket") void create_tcp(int32_t family, struct outcome *result);
WASI("sockets/udp-create-socket", "create-udp-socket") void create_udp(int32_t family, struct outcome *result);
WASI("sockets/instance-network", "instance-network") handle instance_network(void);
WASI("sockets/ip-name-lookup", "resolve-addresses")
void resolve(handle network, const char *name, size_t size, struct outcome *result);

static void print(const char *what, struct outcome outcome) {
    printf("%s: %s\n", what, outcome.failed ? CODES[outcome.code] : "allowed");
}

int main(void) {
    struct outcome outcome;
    create_tcp(0, &outcome);
    print("tcp", outcome);
    create_udp(1, &outcome);
    print("udp", outcome);
    resolve(instance_network(), "example.com", 11, &outcome);
    print("lookup", outcome);
    return 0;
}
