/* The host's functions for HTTP: of wasi:http, wasi:io and wasi:clocks what http.c calls, with the canonical ABI's flat types. */
#ifndef TORPOR_HTTP_HOST_H
#define TORPOR_HTTP_HOST_H

#include <stddef.h>
#include <stdint.h>

typedef int32_t handle;

#define WASI(module, name) __attribute__((import_module("wasi:" module "@0.2.12"), import_name(name)))
#define TYPES "http/types"
#define STREAMS "io/streams"

struct text {
    char *start;
    size_t size;
};

struct field {
    struct text name, value;
};

/* result<own<T>> */
struct owned {
    uint8_t failed;
    handle it;
};

/* result<u64, stream-error>, result<list<u8>, stream-error>, result<_, stream-error>: the error is LAST_OPERATION_FAILED with an error, or closed */
enum { LAST_OPERATION_FAILED };
struct permission {
    uint8_t failed;
    union {
        uint64_t size;
        struct {
            uint8_t kind;
            handle error;
        };
    };
};
struct piece {
    uint8_t failed;
    union {
        struct text bytes;
        struct {
            uint8_t kind;
            handle error;
        };
    };
};
struct wrote {
    uint8_t failed;
    struct {
        uint8_t kind;
        handle error;
    };
};

/* error-code: what some of its cases carry may be a text. */
struct code {
    uint8_t number;
    union {
        uint64_t room[3];
        struct {
            uint8_t some;
            struct text text;
        } detail;
    };
};

/* result<_, error-code>, result<own<T>, error-code>, option<error-code> */
struct coded {
    uint8_t tag;
    union {
        struct code code;
        handle it;
    };
};

/* option<result<result<own<incoming-response>, error-code>>> */
struct answered {
    uint8_t some;
    struct {
        _Alignas(8) uint8_t taken;
        struct coded answer;
    };
};

WASI(TYPES, "[constructor]fields") handle new_fields(void);
WASI(TYPES, "[method]fields.append")
void fields_append(handle self, const char *name, size_t name_size, const char *value, size_t value_size, void *result);
WASI(TYPES, "[method]fields.entries") void fields_entries(handle self, void *list);
WASI(TYPES, "[resource-drop]fields") void drop_fields(handle self);

WASI(TYPES, "[constructor]request-options") handle new_options(void);
WASI(TYPES, "[method]request-options.set-connect-timeout") int32_t set_connect(handle self, int32_t some, int64_t duration);
WASI(TYPES, "[method]request-options.set-first-byte-timeout") int32_t set_first_byte(handle self, int32_t some, int64_t duration);
WASI(TYPES, "[method]request-options.set-between-bytes-timeout")
int32_t set_between_bytes(handle self, int32_t some, int64_t duration);

WASI(TYPES, "[constructor]outgoing-request") handle new_request(handle headers);
WASI(TYPES, "[method]outgoing-request.set-method")
int32_t set_method(handle self, int32_t method, const char *other, size_t size);
WASI(TYPES, "[method]outgoing-request.set-scheme")
int32_t set_scheme(handle self, int32_t some, int32_t scheme, const char *other, size_t size);
WASI(TYPES, "[method]outgoing-request.set-authority")
int32_t set_authority(handle self, int32_t some, const char *text, size_t size);
WASI(TYPES, "[method]outgoing-request.set-path-with-query")
int32_t set_path(handle self, int32_t some, const char *text, size_t size);
WASI(TYPES, "[method]outgoing-request.body") void request_body(handle self, struct owned *result);
WASI(TYPES, "[resource-drop]outgoing-request") void drop_request(handle self);
WASI(TYPES, "[method]outgoing-body.write") void body_write(handle self, struct owned *result);
WASI(TYPES, "[static]outgoing-body.finish") void finish_body(handle body, int32_t some, handle trailers, struct coded *result);
WASI(TYPES, "[resource-drop]outgoing-body") void drop_outgoing_body(handle self);

WASI("http/outgoing-handler", "handle")
void send_request(handle request, int32_t some, handle options, struct coded *result);
WASI(TYPES, "[method]future-incoming-response.subscribe") handle future_ready(handle self);
WASI(TYPES, "[method]future-incoming-response.get") void future_get(handle self, struct answered *result);
WASI(TYPES, "[resource-drop]future-incoming-response") void drop_future(handle self);

WASI(TYPES, "[method]incoming-response.status") int32_t response_status(handle self);
WASI(TYPES, "[method]incoming-response.headers") handle response_headers(handle self);
WASI(TYPES, "[method]incoming-response.consume") void consume(handle self, struct owned *result);
WASI(TYPES, "[resource-drop]incoming-response") void drop_response(handle self);
WASI(TYPES, "[method]incoming-body.stream") void body_stream(handle self, struct owned *result);
WASI(TYPES, "[resource-drop]incoming-body") void drop_incoming_body(handle self);
WASI(TYPES, "http-error-code") void error_code(handle error, struct coded *result);

WASI("io/error", "[resource-drop]error") void drop_error(handle self);
WASI(STREAMS, "[method]input-stream.read") void stream_read(handle self, int64_t size, struct piece *result);
WASI(STREAMS, "[method]input-stream.subscribe") handle input_ready(handle self);
WASI(STREAMS, "[resource-drop]input-stream") void drop_input(handle self);
WASI(STREAMS, "[method]output-stream.check-write") void check_write(handle self, struct permission *result);
WASI(STREAMS, "[method]output-stream.write")
void stream_write(handle self, const char *bytes, size_t size, struct wrote *result);
WASI(STREAMS, "[method]output-stream.subscribe") handle output_ready(handle self);
WASI(STREAMS, "[resource-drop]output-stream") void drop_output(handle self);

WASI("io/poll", "poll") void poll_any(const handle *of, size_t count, struct text *indices);
WASI("io/poll", "[resource-drop]pollable") void drop_pollable(handle self);
WASI("clocks/monotonic-clock", "subscribe-duration") handle after(int64_t duration);

#endif
