/* <torpor/http.h>: requests by wasi:http. Nothing else of the library refers to this, so that other programs do not import it. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <torpor/http.h>

#include "http_host.h"
#include "sys.h"

#define NONE (-1)

struct torpor_http {
    handle outgoing_body, output, future, response, incoming_body, input; /* NONE where it is not there, or not any more */
    struct text entries;                                                  /* the host's list of the answer's headers */
    struct torpor_http_header *headers;
    size_t header_count;
    int64_t deadline;
    int status;
    bool failed; /* with `error` and `message` */
    enum torpor_http_error error;
    char message[160];
    char authority[]; /* for messages */
};

static enum torpor_http_error last_error;
static char last_message[sizeof(((struct torpor_http *)0)->message)];

static const char *const WORDS[] = {
    "the name server did not answer in time",
    "could not resolve the host",
    "there is no such host",
    "the host cannot be reached",
    "the host has only addresses that network.allow does not name, such as loopback and private ones",
    "there is no way to the host",
    "connection refused",
    "the connection was closed",
    "connecting took too long",
    "the host did not answer in time",
    "the host did not take the request in time",
    "too many requests of this VM at once",
    "the TLS handshake failed",
    "the host's certificate is not good",
    "the host ended TLS with an alert",
    "the VM's network.allow does not name this host",
    "the host wants a content-length",
    "the body has another size than content-length says",
    "this method is not allowed",
    "the URL is not good",
    "the URL is too long",
    "the request has too many or too large headers",
    "a header of the request is too large",
    "requests cannot have trailers",
    "requests cannot have trailers",
    "the answer is incomplete",
    "the answer has too many or too large headers",
    "a header of the answer is too large",
    "the answer is too large",
    "the answer's trailers are too large",
    "the answer's trailers are too large",
    "the answer has an unknown transfer coding",
    "the answer has an unknown content coding",
    "the answer took too long",
    "the host wants to speak another protocol than HTTP",
    "the host does not speak HTTP as it should",
    "the host's answers go in a circle",
    "the network is not set up",
    "the runtime had an internal error",
    "no http or https URL",
    "a header that must not be sent",
    "the time was up",
    "a signal was handled",
};

/* Where the next list that the host gives goes, if it has room for it: what is read goes to the reader without a copy. */
static struct text offered;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)old_size;
    if (!size) return (void *)align;
    if (!old && size <= offered.size) return offered.start;
    void *at = realloc(old, size);
    if (!at) abort();
    return at;
}

enum torpor_http_error torpor_http_error(void) { return last_error; }

const char *torpor_http_message(void) { return last_message; }

static int fail(struct torpor_http *http, enum torpor_http_error error, const char *detail) {
    last_error = error;
    snprintf(last_message, sizeof last_message, "%s%s%s", WORDS[error], detail && *detail ? ": " : "", detail ? detail : "");
    if (http && !http->failed) {
        http->failed = true;
        http->error = error;
        memcpy(http->message, last_message, sizeof last_message);
    }
    return -1;
}

/* Says again why the request is over. */
static int failed_before(struct torpor_http *http) {
    last_error = http->error;
    memcpy(last_message, http->message, sizeof last_message);
    return -1;
}

static int fail_by(struct torpor_http *http, const struct code *code) {
    char detail[100] = "";
    bool has_text = code->number == TORPOR_HTTP_DNS_ERROR || code->number == TORPOR_HTTP_INTERNAL_ERROR;
    if (has_text && code->detail.some) {
        snprintf(detail, sizeof detail, "%.*s", (int)code->detail.text.size, code->detail.text.start);
        free(code->detail.text.start);
    } else if (http) {
        snprintf(detail, sizeof detail, "%s", http->authority);
    }
    return fail(http, code->number <= TORPOR_HTTP_INTERNAL_ERROR ? code->number : TORPOR_HTTP_INTERNAL_ERROR, detail);
}

/* Of a stream: what HTTP says of its error. */
static int fail_stream(struct torpor_http *http, handle error) {
    struct coded result;
    error_code(error, &result);
    drop_error(error);
    if (result.tag) return fail_by(http, &result.code);
    return fail(http, TORPOR_HTTP_CONNECTION_TERMINATED, http->authority);
}

/* Waits for a pollable, which is dropped. False at the deadline, and where `stops` and a handler has run that does not ask for calls
   to be started again. */
static bool wait_for(struct torpor_http *http, handle ready, bool stops) {
    int64_t left = http->deadline ? http->deadline - sys_clock(CLOCK_STEADY) : 0;
    handle of[2] = {ready, http->deadline ? after(left > 0 ? left : 0) : 0};
    struct text indices = {0};
    bool stopped = false, in_time = true;
    while (!indices.size && !stopped) { /* none are ready: a signal is to be handled */
        poll_any(of, http->deadline ? 2 : 1, &indices);
        if (posix_signal_waits() && !posix_deliver()) stopped = stops && !indices.size;
    }
    if (indices.size) {
        in_time = *(uint32_t *)indices.start == 0;
        free(indices.start);
    }
    if (http->deadline) drop_pollable(of[1]);
    drop_pollable(ready);
    if (!in_time) fail(http, TORPOR_HTTP_DEADLINE, http->authority);
    if (stopped) fail(NULL, TORPOR_HTTP_INTERRUPTED, "");
    return in_time && !stopped;
}

bool torpor_http_parse(const char *url, struct torpor_http_url *parts) {
    *parts = (struct torpor_http_url){.secure = !strncasecmp(url, "https://", 8)};
    if (!parts->secure && strncasecmp(url, "http://", 7)) return false;
    const char *authority = strstr(url, "://") + 3;
    parts->path = authority + strcspn(authority, "/?#");
    parts->path_size = strcspn(parts->path, "#");
    for (const char *at = authority; at < parts->path; at++) {
        if (*at != '@') continue;
        parts->user = authority;
        parts->user_size = (size_t)(at - authority);
    }
    parts->authority = parts->user ? parts->user + parts->user_size + 1 : authority;
    parts->authority_size = (size_t)(parts->path - parts->authority);
    return parts->authority_size > 0;
}

static void choose_method(handle request, const char *method, struct torpor_http *http) {
    static const char *const METHODS[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    enum { OTHER = sizeof METHODS / sizeof *METHODS };
    int32_t number = 0;
    while (number < OTHER && strcmp(method, METHODS[number])) number++;
    if (set_method(request, number, method, strlen(method))) fail(http, TORPOR_HTTP_REQUEST_METHOD_INVALID, method);
}

static handle fields_of(const struct torpor_http_header *headers, size_t count, struct torpor_http *http) {
    handle fields = new_fields();
    for (size_t i = 0; i < count; i++) {
        uint8_t result[2];
        const char *name = headers[i].name, *value = headers[i].value;
        fields_append(fields, name, strlen(name), value, strlen(value), result);
        if (result[0]) fail(http, TORPOR_HTTP_BAD_HEADER, name);
    }
    return fields;
}

static handle options_of(const struct torpor_http_options *options) {
    handle made = new_options();
    if (options->connect_timeout) set_connect(made, 1, options->connect_timeout);
    if (options->first_byte_timeout) set_first_byte(made, 1, options->first_byte_timeout);
    if (options->between_bytes_timeout) set_between_bytes(made, 1, options->between_bytes_timeout);
    return made;
}

/* What is not ASCII has to be encoded, as browsers do; NULL without memory. */
static char *encoded_path(const struct torpor_http_url *url) {
    char *path = malloc(url->path_size * 3 + 2), *to = path;
    if (!path) return NULL;
    if (!url->path_size || *url->path == '?') *to++ = '/';
    for (size_t i = 0; i < url->path_size; i++) {
        unsigned char byte = (unsigned char)url->path[i];
        if (byte < 0x80) *to++ = (char)byte;
        else to += sprintf(to, "%%%02X", byte);
    }
    *to = 0;
    return path;
}

static void put_together(struct torpor_http *http, handle request, const char *method, const struct torpor_http_url *url) {
    struct owned owned;
    char *path = encoded_path(url);
    choose_method(request, method, http);
    if (!path || set_scheme(request, 1, url->secure, NULL, 0) || set_authority(request, 1, url->authority, url->authority_size) ||
        set_path(request, 1, path, strlen(path)))
        fail(http, TORPOR_HTTP_REQUEST_URI_INVALID, http->authority);
    free(path);
    if (!http->outgoing_body) return;
    request_body(request, &owned);
    if (owned.failed) {
        http->outgoing_body = NONE;
        fail(http, TORPOR_HTTP_BAD_HEADER, "content-length");
        return;
    }
    http->outgoing_body = owned.it;
    body_write(owned.it, &owned);
    http->output = owned.it;
}

struct torpor_http *torpor_http_open(const char *method, const char *url, const struct torpor_http_header *headers, size_t count,
                                     bool with_body, const struct torpor_http_options *options) {
    struct torpor_http_url parts;
    if (!torpor_http_parse(url, &parts)) {
        fail(NULL, TORPOR_HTTP_BAD_URL, url);
        return NULL;
    }
    struct torpor_http *http = calloc(1, sizeof *http + parts.authority_size + 1);
    if (!http) {
        fail(NULL, TORPOR_HTTP_INTERNAL_ERROR, "no memory");
        return NULL;
    }
    memcpy(http->authority, parts.authority, parts.authority_size);
    http->output = http->future = http->response = http->incoming_body = http->input = NONE;
    http->deadline = options ? options->deadline : 0;
    http->outgoing_body = with_body;
    handle request = new_request(fields_of(headers, count, http));
    put_together(http, request, method, &parts);
    if (!with_body) http->outgoing_body = NONE;
    if (http->failed) {
        drop_request(request);
    } else {
        struct coded sent;
        send_request(request, options != NULL, options ? options_of(options) : 0, &sent);
        if (sent.tag) fail_by(http, &sent.code);
        else http->future = sent.it;
    }
    if (!http->failed) return http;
    torpor_http_close(http);
    return NULL;
}

void torpor_http_set_deadline(struct torpor_http *http, int64_t deadline) { http->deadline = deadline; }

/* The host takes no more of the body: the request is over, with an answer or without. */
static int stop_writing(struct torpor_http *http) {
    drop_output(http->output);
    drop_outgoing_body(http->outgoing_body);
    http->output = http->outgoing_body = NONE;
    return -1;
}

int torpor_http_write(struct torpor_http *http, const void *data, size_t size) {
    const char *at = data;
    if (http->output == NONE) return http->failed ? failed_before(http) : fail(http, TORPOR_HTTP_CONNECTION_TERMINATED, "");
    while (size) {
        struct permission room;
        struct wrote wrote;
        check_write(http->output, &room);
        if (room.failed) return room.kind == LAST_OPERATION_FAILED ? fail_stream(http, room.error) : stop_writing(http);
        if (!room.size) {
            if (!wait_for(http, output_ready(http->output), false)) return -1;
            continue;
        }
        size_t now = size < room.size ? size : (size_t)room.size;
        stream_write(http->output, at, now, &wrote);
        if (wrote.failed) return wrote.kind == LAST_OPERATION_FAILED ? fail_stream(http, wrote.error) : stop_writing(http);
        at += now;
        size -= now;
    }
    return 0;
}

static void end_body(struct torpor_http *http) {
    struct coded finished;
    if (http->output != NONE) drop_output(http->output);
    if (http->outgoing_body != NONE) {
        finish_body(http->outgoing_body, 0, 0, &finished);
        if (finished.tag) fail_by(http, &finished.code);
    }
    http->output = http->outgoing_body = NONE;
}

static void take_headers(struct torpor_http *http) {
    handle fields = response_headers(http->response);
    fields_entries(fields, &http->entries);
    drop_fields(fields);
    struct field *field = (struct field *)http->entries.start;
    http->headers = calloc(http->entries.size + 1, sizeof *http->headers);
    for (size_t i = 0; http->headers && i < http->entries.size; i++) {
        char *name = strndup(field[i].name.start, field[i].name.size), *value = strndup(field[i].value.start, field[i].value.size);
        if (field[i].name.size) free(field[i].name.start);
        if (field[i].value.size) free(field[i].value.start);
        http->headers[http->header_count++] = (struct torpor_http_header){name, value};
    }
    if (http->entries.size) free(http->entries.start);
}

int torpor_http_status(struct torpor_http *http) {
    struct answered result;
    if (http->status) return http->status;
    end_body(http);
    if (http->failed) return failed_before(http);
    if (!wait_for(http, future_ready(http->future), true)) return -1;
    future_get(http->future, &result);
    drop_future(http->future);
    http->future = NONE;
    if (result.answer.tag) return fail_by(http, &result.answer.code);
    http->response = result.answer.it;
    take_headers(http);
    return http->status = response_status(http->response);
}

size_t torpor_http_headers(struct torpor_http *http, const struct torpor_http_header **headers) {
    *headers = http->headers;
    return http->header_count;
}

const char *torpor_http_header(struct torpor_http *http, const char *name) {
    for (size_t i = 0; i < http->header_count; i++)
        if (!strcasecmp(http->headers[i].name, name)) return http->headers[i].value;
    return NULL;
}

ssize_t torpor_http_read(struct torpor_http *http, void *to, size_t size) {
    struct owned owned;
    if (torpor_http_status(http) < 0) return -1;
    if (http->failed) return failed_before(http);
    if (http->input == NONE) {
        consume(http->response, &owned);
        http->incoming_body = owned.it;
        body_stream(owned.it, &owned);
        http->input = owned.it;
    }
    while (size) {
        struct piece piece;
        offered = (struct text){to, size};
        stream_read(http->input, (int64_t)size, &piece);
        offered = (struct text){0};
        if (piece.failed) return piece.kind == LAST_OPERATION_FAILED ? fail_stream(http, piece.error) : 0;
        if (piece.bytes.size) return (ssize_t)piece.bytes.size;
        if (!wait_for(http, input_ready(http->input), true)) return -1;
    }
    return 0;
}

void torpor_http_close(struct torpor_http *http) {
    if (!http) return;
    if (http->input != NONE) drop_input(http->input);
    if (http->incoming_body != NONE) drop_incoming_body(http->incoming_body);
    if (http->response != NONE) drop_response(http->response);
    if (http->output != NONE) drop_output(http->output);
    if (http->outgoing_body != NONE) drop_outgoing_body(http->outgoing_body);
    if (http->future != NONE) drop_future(http->future);
    for (size_t i = 0; i < http->header_count; i++) {
        free((char *)http->headers[i].name);
        free((char *)http->headers[i].value);
    }
    free(http->headers);
    free(http);
}
