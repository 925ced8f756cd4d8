/*
 * HTTP for programs of VMs, by the host: requests under the VM's network rules, TLS, and secrets in place of placeholders.
 *
 *     struct torpor_http *http = torpor_http_open("GET", "https://example.com/", NULL, 0, false, NULL);
 *     if (http && torpor_http_status(http) == 200)
 *         while ((size = torpor_http_read(http, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, (size_t)size, stdout);
 *     else puts(torpor_http_message());
 *     torpor_http_close(http);
 *
 * Only a program that calls one of these imports wasi:http. Nothing here follows redirects. A signal that ends the process ends a
 * call that waits; one that is handled, without SA_RESTART, has the waits for an answer and for more of its body fail. A child of
 * fork has none of its parent's requests.
 */
#ifndef TORPOR_HTTP_H
#define TORPOR_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct torpor_http_header {
    const char *name; /* in lower case, of an answer */
    const char *value;
};

/* Nanoseconds, 0 for the host's own: 30 s to connect, and 10 minutes for each of the others. */
struct torpor_http_options {
    int64_t connect_timeout;
    int64_t first_byte_timeout;
    int64_t between_bytes_timeout;
    int64_t deadline; /* by CLOCK_MONOTONIC, for all that is done with the request; 0: none */
};

/* Why something failed: the cases of wasi:http's error-code in their order, and what this library says itself. */
enum torpor_http_error {
    TORPOR_HTTP_DNS_TIMEOUT,
    TORPOR_HTTP_DNS_ERROR,
    TORPOR_HTTP_DESTINATION_NOT_FOUND,
    TORPOR_HTTP_DESTINATION_UNAVAILABLE,
    TORPOR_HTTP_DESTINATION_IP_PROHIBITED,
    TORPOR_HTTP_DESTINATION_IP_UNROUTABLE,
    TORPOR_HTTP_CONNECTION_REFUSED,
    TORPOR_HTTP_CONNECTION_TERMINATED,
    TORPOR_HTTP_CONNECTION_TIMEOUT,
    TORPOR_HTTP_CONNECTION_READ_TIMEOUT,
    TORPOR_HTTP_CONNECTION_WRITE_TIMEOUT,
    TORPOR_HTTP_CONNECTION_LIMIT_REACHED,
    TORPOR_HTTP_TLS_PROTOCOL_ERROR,
    TORPOR_HTTP_TLS_CERTIFICATE_ERROR,
    TORPOR_HTTP_TLS_ALERT_RECEIVED,
    TORPOR_HTTP_REQUEST_DENIED,
    TORPOR_HTTP_REQUEST_LENGTH_REQUIRED,
    TORPOR_HTTP_REQUEST_BODY_SIZE,
    TORPOR_HTTP_REQUEST_METHOD_INVALID,
    TORPOR_HTTP_REQUEST_URI_INVALID,
    TORPOR_HTTP_REQUEST_URI_TOO_LONG,
    TORPOR_HTTP_REQUEST_HEADER_SECTION_SIZE,
    TORPOR_HTTP_REQUEST_HEADER_SIZE,
    TORPOR_HTTP_REQUEST_TRAILER_SECTION_SIZE,
    TORPOR_HTTP_REQUEST_TRAILER_SIZE,
    TORPOR_HTTP_RESPONSE_INCOMPLETE,
    TORPOR_HTTP_RESPONSE_HEADER_SECTION_SIZE,
    TORPOR_HTTP_RESPONSE_HEADER_SIZE,
    TORPOR_HTTP_RESPONSE_BODY_SIZE,
    TORPOR_HTTP_RESPONSE_TRAILER_SECTION_SIZE,
    TORPOR_HTTP_RESPONSE_TRAILER_SIZE,
    TORPOR_HTTP_RESPONSE_TRANSFER_CODING,
    TORPOR_HTTP_RESPONSE_CONTENT_CODING,
    TORPOR_HTTP_RESPONSE_TIMEOUT,
    TORPOR_HTTP_UPGRADE_FAILED,
    TORPOR_HTTP_PROTOCOL_ERROR,
    TORPOR_HTTP_LOOP_DETECTED,
    TORPOR_HTTP_CONFIGURATION_ERROR,
    TORPOR_HTTP_INTERNAL_ERROR,
    TORPOR_HTTP_BAD_URL,     /* it is no http or https URL */
    TORPOR_HTTP_BAD_HEADER,  /* it has characters that it must not have, or is the host's to set */
    TORPOR_HTTP_DEADLINE,    /* the deadline has come */
    TORPOR_HTTP_INTERRUPTED  /* a signal was handled: the call can be made again */
};

/* The parts of a URL, as places in it. */
struct torpor_http_url {
    bool secure;
    const char *user; /* "name:password", as it is written; NULL where there is none */
    size_t user_size;
    const char *authority; /* host[:port] */
    size_t authority_size;
    const char *path; /* with the query and without the fragment; "" for / */
    size_t path_size;
};

/* False where it is no http or https URL. */
bool torpor_http_parse(const char *url, struct torpor_http_url *parts);

struct torpor_http;

/*
 * Begins a request; NULL where it cannot be sent. Of the URL's user nothing is sent. A request `with_body` has one, of the length
 * that a content-length among the headers says, else of unknown length, and goes on its way as the body is written.
 */
struct torpor_http *torpor_http_open(const char *method, const char *url, const struct torpor_http_header *headers, size_t count,
                                     bool with_body, const struct torpor_http_options *options);

/* Another deadline, for what is done from now on. */
void torpor_http_set_deadline(struct torpor_http *http, int64_t deadline);

/* Writes all of it to the body; -1 where the request is over, for which `torpor_http_status` has the reason. */
int torpor_http_write(struct torpor_http *http, const void *data, size_t size);

/* Waits for the answer, which ends the body; its status, -1 where none comes. */
int torpor_http_status(struct torpor_http *http);

/* Of the answer, in their order; how many there are. They last until the request is closed. */
size_t torpor_http_headers(struct torpor_http *http, const struct torpor_http_header **headers);

/* The first header of the answer of that name, whatever its case; NULL where there is none. */
const char *torpor_http_header(struct torpor_http *http, const char *name);

/* Waits for more of the answer's body; 0 at its end, -1 where it broke off. */
ssize_t torpor_http_read(struct torpor_http *http, void *to, size_t size);

/* Gives up what is not finished. NULL does nothing. */
void torpor_http_close(struct torpor_http *http);

/* Why the last call that failed has failed, and that in words, in one line. */
enum torpor_http_error torpor_http_error(void);
const char *torpor_http_message(void);

#endif
