// wasi:http/types and wasi:io/streams by hand: a request, its body, and a response read piece by piece.
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "wasi.h"

#define HTTP "http/types"
#define STREAMS "io/streams"

struct text {
    const char *start;
    size_t size;
};

// result<own<T>>, and result<own<T>, error> where only the handle matters
struct owned {
    uint8_t failed;
    handle it;
};

// result<list<u8>, stream-error>
struct chunk {
    uint8_t failed;
    union {
        struct text bytes;
        uint8_t error;  // 0 last-operation-failed, 1 closed
    };
};

// The cases of error-code, in order.
static const char *const ERROR_CODES[] = {
    "DNS-timeout", "DNS-error", "destination-not-found", "destination-unavailable", "destination-IP-prohibited",
    "destination-IP-unroutable", "connection-refused", "connection-terminated", "connection-timeout",
    "connection-read-timeout", "connection-write-timeout", "connection-limit-reached", "TLS-protocol-error",
    "TLS-certificate-error", "TLS-alert-received", "HTTP-request-denied", "HTTP-request-length-required",
    "HTTP-request-body-size", "HTTP-request-method-invalid", "HTTP-request-URI-invalid", "HTTP-request-URI-too-long",
    "HTTP-request-header-section-size", "HTTP-request-header-size", "HTTP-request-trailer-section-size",
    "HTTP-request-trailer-size", "HTTP-response-incomplete", "HTTP-response-header-section-size",
    "HTTP-response-header-size", "HTTP-response-body-size", "HTTP-response-trailer-section-size",
    "HTTP-response-trailer-size", "HTTP-response-transfer-coding", "HTTP-response-content-coding",
    "HTTP-response-timeout", "HTTP-upgrade-failed", "HTTP-protocol-error", "loop-detected", "configuration-error",
    "internal-error",
};

WASI(HTTP, "[constructor]fields") handle new_fields(void);
WASI(HTTP, "[method]fields.append")
void fields_append(handle self, const char *name, size_t name_size, const char *value, size_t value_size, void *result);
WASI(HTTP, "[method]fields.get") void fields_get(handle self, const char *name, size_t size, void *list);
WASI(HTTP, "[resource-drop]fields") void drop_fields(handle self);
WASI(HTTP, "[constructor]outgoing-request") handle new_request(handle headers);
WASI(HTTP, "[method]outgoing-request.set-method")
int32_t set_method(handle self, int32_t method, const char *other, size_t size);
WASI(HTTP, "[method]outgoing-request.set-scheme")
int32_t set_scheme(handle self, int32_t some, int32_t scheme, const char *other, size_t size);
WASI(HTTP, "[method]outgoing-request.set-authority")
int32_t set_authority(handle self, int32_t some, const char *text, size_t size);
WASI(HTTP, "[method]outgoing-request.set-path-with-query")
int32_t set_path(handle self, int32_t some, const char *text, size_t size);
WASI(HTTP, "[method]outgoing-request.body") void request_body(handle self, struct owned *result);
WASI(HTTP, "[method]outgoing-body.write") void body_write(handle self, struct owned *result);
WASI(HTTP, "[static]outgoing-body.finish") void finish_body(handle body, int32_t some, handle trailers, void *result);
WASI("http/outgoing-handler", "handle")
void send_request(handle request, int32_t some, handle options, void *result);
WASI(HTTP, "[method]future-incoming-response.subscribe") handle response_ready(handle self);
WASI(HTTP, "[method]future-incoming-response.get") void response_get(handle self, void *result);
WASI(HTTP, "[resource-drop]future-incoming-response") void drop_future(handle self);
WASI(HTTP, "[method]incoming-response.status") int32_t response_status(handle self);
WASI(HTTP, "[method]incoming-response.headers") handle response_headers(handle self);
WASI(HTTP, "[method]incoming-response.consume") void consume(handle self, struct owned *result);
WASI(HTTP, "[resource-drop]incoming-response") void drop_response(handle self);
WASI(HTTP, "[method]incoming-body.stream") void body_stream(handle self, struct owned *result);
WASI(HTTP, "[resource-drop]incoming-body") void drop_body(handle self);
WASI(STREAMS, "[method]input-stream.blocking-read") void blocking_read(handle self, int64_t size, struct chunk *result);
WASI(STREAMS, "[resource-drop]input-stream") void drop_input(handle self);
WASI(STREAMS, "[method]output-stream.blocking-write-and-flush")
void blocking_write(handle self, const char *bytes, size_t size, void *result);
WASI(STREAMS, "[resource-drop]output-stream") void drop_output(handle self);
WASI("io/poll", "[method]pollable.block") void block(handle self);
WASI("io/poll", "[resource-drop]pollable") void drop_pollable(handle self);

enum method { GET = 0, POST = 2 };

// Takes "http://host:port/path" apart into a request. `method` is one of the variant's first cases.
static inline handle request_to(const char *url, enum method method, handle headers) {
    bool secure = !strncmp(url, "https://", 8);
    const char *authority = strstr(url, "://") + 3;
    const char *path = strchr(authority, '/');
    size_t size = path ? (size_t)(path - authority) : strlen(authority);
    handle request = new_request(headers);
    if (set_method(request, method, NULL, 0) || set_scheme(request, 1, secure ? 1 : 0, NULL, 0) ||
        set_authority(request, 1, authority, size) || set_path(request, 1, path ? path : "/", path ? strlen(path) : 1)) {
        puts("the request is refused");
        exit(1);
    }
    return request;
}

// A handle to the response, or -1 with the error printed. `result` is laid out as
// option<result<result<own<incoming-response>, error-code>>>, which is aligned to 8.
static inline handle await_response(handle future) {
    _Alignas(8) uint8_t result[64];
    handle ready = response_ready(future);
    block(ready);
    drop_pollable(ready);
    response_get(future, result);
    if (!result[0] || result[8]) {
        puts("no response");
        return -1;
    }
    if (result[16]) {
        printf("error %s\n", ERROR_CODES[result[24]]);
        return -1;
    }
    handle response;
    memcpy(&response, result + 24, sizeof response);
    return response;
}

// Hands the request over: a future, or -1 with the error printed.
static inline handle start(handle request) {
    _Alignas(8) uint8_t result[64];
    send_request(request, 0, 0, result);
    if (result[0]) {
        printf("refused %s\n", ERROR_CODES[result[8]]);
        return -1;
    }
    handle future;
    memcpy(&future, result + 8, sizeof future);
    return future;
}

// Prints the status, a header if there is one, then each piece of the body as it comes.
static inline void print_response(handle response, const char *header) {
    printf("status %d\n", response_status(response));
    handle headers = response_headers(response);
    struct {
        struct text *first;
        size_t count;
    } values;
    fields_get(headers, header, strlen(header), &values);
    for (size_t i = 0; i < values.count; i++) {
        printf("%s: %.*s\n", header, (int)values.first[i].size, values.first[i].start);
    }
    drop_fields(headers);
    struct owned body, stream;
    consume(response, &body);
    body_stream(body.it, &stream);
    for (;;) {
        struct chunk chunk;
        blocking_read(stream.it, 65536, &chunk);
        if (chunk.failed) {
            puts(chunk.error ? "end" : "broken off");
            break;
        }
        if (chunk.bytes.size) printf("chunk %.*s\n", (int)chunk.bytes.size, chunk.bytes.start);
        fflush(stdout);
        free((void *)chunk.bytes.start);
    }
    drop_input(stream.it);
    drop_body(body.it);
    drop_response(response);
}

#endif
