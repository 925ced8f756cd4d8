/* One transfer of curl: the request, the redirects that it is led through, and where the answer goes. */
#include "curl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* How much of the body of an answer that nobody wants is read, so that its connection can be used again. */
enum { DRAINED = 65536, ENOUGH = 4 };

/* What goes out in one hop, which a redirect changes. */
struct hop {
    const char *method;
    bool with_body, is_first_host;
    int64_t deadline;
};

int transfer_failed(struct transfer *transfer, int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(transfer->message, sizeof transfer->message, format, arguments);
    va_end(arguments);
    return transfer->exit_code = code;
}

static long long milliseconds(const struct transfer *transfer) { return (long long)((seconds_now() - transfer->started) * 1000); }

/* What curl would say of what the library says. */
static int failed_by(struct transfer *transfer) {
    struct torpor_http_url parts;
    enum torpor_http_error error = torpor_http_error();
    bool good = torpor_http_parse(transfer->url, &parts);
    char *host = good ? host_of(&parts) : copy("", 0);
    int port = good ? port_of(&parts) : 0;
    switch (error) {
        case TORPOR_HTTP_BAD_URL: case TORPOR_HTTP_REQUEST_URI_INVALID: case TORPOR_HTTP_REQUEST_URI_TOO_LONG:
            return transfer_failed(transfer, BAD_URL, "URL using bad/illegal format or missing URL");
        case TORPOR_HTTP_DNS_ERROR: case TORPOR_HTTP_DESTINATION_NOT_FOUND:
            return transfer_failed(transfer, NO_HOST, "Could not resolve host: %s", host);
        case TORPOR_HTTP_DNS_TIMEOUT: return transfer_failed(transfer, TIMED_OUT, "Resolving timed out after %lld milliseconds", milliseconds(transfer));
        case TORPOR_HTTP_DESTINATION_UNAVAILABLE: case TORPOR_HTTP_DESTINATION_IP_UNROUTABLE: case TORPOR_HTTP_CONNECTION_REFUSED:
            return transfer_failed(transfer, NO_CONNECTION, "Failed to connect to %s port %d after %lld ms: Couldn't connect to server", host, port, milliseconds(transfer));
        case TORPOR_HTTP_REQUEST_DENIED:
            return transfer_failed(transfer, NO_CONNECTION, "Failed to connect to %s port %d: the VM's network.allow does not name this host", host, port);
        case TORPOR_HTTP_DESTINATION_IP_PROHIBITED: case TORPOR_HTTP_CONNECTION_LIMIT_REACHED:
            return transfer_failed(transfer, NO_CONNECTION, "Failed to connect to %s port %d: %s", host, port, torpor_http_message());
        case TORPOR_HTTP_CONNECTION_TIMEOUT:
            return transfer_failed(transfer, TIMED_OUT, "Failed to connect to %s port %d after %lld ms: Timeout was reached", host, port, milliseconds(transfer));
        case TORPOR_HTTP_DEADLINE: case TORPOR_HTTP_CONNECTION_READ_TIMEOUT: case TORPOR_HTTP_CONNECTION_WRITE_TIMEOUT: case TORPOR_HTTP_RESPONSE_TIMEOUT:
            if (transfer->total_size >= 0)
                return transfer_failed(transfer, TIMED_OUT, "Operation timed out after %lld milliseconds with %lld out of %lld bytes received", milliseconds(transfer), transfer->received, transfer->total_size);
            return transfer_failed(transfer, TIMED_OUT, "Operation timed out after %lld milliseconds with %lld bytes received", milliseconds(transfer), transfer->received);
        case TORPOR_HTTP_TLS_PROTOCOL_ERROR: case TORPOR_HTTP_TLS_ALERT_RECEIVED:
            return transfer_failed(transfer, TLS_FAILED, "TLS connect error: %s", torpor_http_message());
        case TORPOR_HTTP_TLS_CERTIFICATE_ERROR: return transfer_failed(transfer, BAD_CERTIFICATE, "SSL certificate problem: %s", torpor_http_message());
        case TORPOR_HTTP_BAD_HEADER: case TORPOR_HTTP_REQUEST_METHOD_INVALID: return transfer_failed(transfer, BAD_USE, "%s", torpor_http_message());
        case TORPOR_HTTP_RESPONSE_INCOMPLETE: return transfer_failed(transfer, PARTIAL, "transfer closed with outstanding read data remaining");
        case TORPOR_HTTP_PROTOCOL_ERROR: return transfer_failed(transfer, BAD_PROTOCOL, "%s", torpor_http_message());
        case TORPOR_HTTP_CONNECTION_TERMINATED:
            if (!transfer->status) return transfer_failed(transfer, NO_ANSWER, "Empty reply from server");
            return transfer_failed(transfer, BROKEN_OFF, "Recv failure: Connection reset by peer");
        default: return transfer_failed(transfer, BROKEN_OFF, "%s", torpor_http_message());
    }
}

/* A header of curl's own, unless one of that name is among the user's. */
static void add_own(struct headers *to, const struct settings *settings, const char *name, const char *value) {
    if (value && *value && !has_header(&settings->headers, name)) add_header(to, name, value);
}

static void add_credentials(struct headers *to, const struct transfer *transfer, const struct hop *hop) {
    const struct settings *settings = transfer->settings;
    struct torpor_http_url parts;
    torpor_http_parse(transfer->url, &parts);
    if (parts.user) {
        char *pair = decoded(parts.user, parts.user_size);
        bool has_password = memchr(parts.user, ':', parts.user_size) != NULL;
        char *whole = has_password ? pair : text_of("%s:", pair);
        add_own(to, settings, "Authorization", basic(whole, strlen(whole)));
    } else if (settings->user && hop->is_first_host) {
        add_own(to, settings, "Authorization", basic(settings->user, strlen(settings->user)));
    } else if (settings->bearer && hop->is_first_host) {
        add_own(to, settings, "Authorization", text_of("Bearer %s", settings->bearer));
    }
}

static const char *default_type(const struct settings *settings) {
    if (settings->form.count) return text_of("multipart/form-data; boundary=%s", settings->form_type);
    if (settings->json) return "application/json";
    return settings->has_data ? "application/x-www-form-urlencoded" : NULL;
}

/* The user's own: what the runtime sets itself must agree with it. */
static int add_given(struct headers *to, struct transfer *transfer, const struct hop *hop) {
    const struct settings *settings = transfer->settings;
    struct torpor_http_url parts;
    torpor_http_parse(transfer->url, &parts);
    for (size_t i = 0; i < settings->headers.count; i++) {
        const char *name = settings->headers.items[i].name, *value = settings->headers.items[i].value;
        bool secret = !strcasecmp(name, "authorization") || !strcasecmp(name, "cookie");
        if (!value || (secret && !hop->is_first_host)) continue;
        /* How the message is framed and what becomes of the connection is the runtime's. */
        if (!strcasecmp(name, "connection") || !strcasecmp(name, "keep-alive") || !strcasecmp(name, "transfer-encoding") || !strcasecmp(name, "expect")) continue;
        if (!hop->with_body && !strncasecmp(name, "content-", 8) && transfer->redirects) continue;
        if (!strcasecmp(name, "host")) {
            if (strlen(value) == parts.authority_size && !strncasecmp(value, parts.authority, parts.authority_size)) continue;
            return transfer_failed(transfer, BAD_USE, "the Host header is the runtime's, and says what the URL says: %.*s", (int)parts.authority_size, parts.authority);
        }
        add_header(to, name, value);
    }
    return DONE;
}

static int headers_of(struct headers *headers, struct transfer *transfer, const struct hop *hop, const struct body *body) {
    const struct settings *settings = transfer->settings;
    add_credentials(headers, transfer, hop);
    add_own(headers, settings, "User-Agent", settings->agent);
    add_own(headers, settings, "Accept", settings->json ? "application/json" : "*/*");
    if (settings->compressed) add_own(headers, settings, "Accept-Encoding", "gzip");
    add_own(headers, settings, "Referer", settings->referer);
    if (settings->range) add_own(headers, settings, "Range", text_of("bytes=%s", settings->range));
    else if (transfer->skip) add_own(headers, settings, "Range", text_of("bytes=%lld-", transfer->skip));
    char *stored = settings->cookies_on ? cookies_for(transfer->url) : NULL;
    const char *given = hop->is_first_host ? settings->cookie : NULL;
    if (stored || given) add_own(headers, settings, "Cookie", text_of("%s%s%s", stored ? stored : "", stored && given ? "; " : "", given ? given : ""));
    if (hop->with_body && !transfer->upload) add_own(headers, settings, "Content-Type", default_type(settings));
    bool chunked = false;
    for (size_t i = 0; i < settings->headers.count; i++)
        chunked |= !strcasecmp(settings->headers.items[i].name, "transfer-encoding") && settings->headers.items[i].value;
    long long size = hop->with_body && !chunked ? body_size(body) : -1;
    if (size >= 0) add_own(headers, settings, "Content-Length", text_of("%lld", size));
    return add_given(headers, transfer, hop);
}

static void tell_request(const struct transfer *transfer, const struct hop *hop, const struct headers *headers) {
    struct torpor_http_url parts;
    torpor_http_parse(transfer->url, &parts);
    fprintf(stderr, "* The runtime resolves %.*s and connects to it%s\n", (int)parts.authority_size, parts.authority, parts.secure ? ", with TLS" : "");
    fprintf(stderr, "> %s %s%.*s HTTP/1.1\n> Host: %.*s\n", hop->method, *parts.path == '/' ? "" : "/", (int)parts.path_size, parts.path, (int)parts.authority_size, parts.authority);
    for (size_t i = 0; i < headers->count; i++) fprintf(stderr, "> %s: %s\n", headers->items[i].name, headers->items[i].value);
    fputs("> \n", stderr);
}

static void keep_answer(struct transfer *transfer, struct torpor_http *http) {
    const struct torpor_http_header *headers;
    size_t count = torpor_http_headers(http, &headers);
    const struct settings *settings = transfer->settings;
    transfer->answer = (struct headers){0};
    for (size_t i = 0; i < count; i++) {
        add_header(&transfer->answer, copy(headers[i].name, strlen(headers[i].name)), copy(headers[i].value, strlen(headers[i].value)));
        if (settings->cookies_on && !strcasecmp(headers[i].name, "set-cookie")) take_cookie(transfer->url, headers[i].value);
    }
    const char *type = torpor_http_header(http, "content-type"), *length = torpor_http_header(http, "content-length");
    transfer->content_type = type ? copy(type, strlen(type)) : NULL;
    transfer->total_size = length && strcmp(transfer->method, "HEAD") ? atoll(length) : -1;
    if (!settings->verbose) return;
    fprintf(stderr, "< HTTP/1.1 %d %s\n", transfer->status, reason_of(transfer->status));
    for (size_t i = 0; i < count; i++) fprintf(stderr, "< %s: %s\n", headers[i].name, headers[i].value);
    fputs("< \n", stderr);
}

static int take_body(struct transfer *transfer, struct torpor_http *http) {
    char *piece = get(PIECE);
    ssize_t size = 0;
    int code = DONE;
    while (!code && (size = torpor_http_read(http, piece, PIECE)) > 0) {
        transfer->received += size;
        code = put_body(transfer, piece, (size_t)size);
    }
    if (!code && size < 0) code = failed_by(transfer);
    free(piece);
    return code;
}

static void drain(struct torpor_http *http) {
    char *piece = get(PIECE);
    for (int i = 0; i < ENOUGH && torpor_http_read(http, piece, DRAINED / ENOUGH) > 0; i++) continue;
    free(piece);
}

/* Where the answer leads, if it is a redirect that is to be followed; NULL, also with an exit code where it cannot be. */
static char *next_url(struct transfer *transfer, struct torpor_http *http) {
    const struct settings *settings = transfer->settings;
    int status = transfer->status;
    const char *location = torpor_http_header(http, "location");
    if (!location || status / 100 != 3 || status == 304) return NULL;
    char *next = resolved(transfer->url, location);
    transfer->redirect_url = next;
    if (!settings->follow || status == 300) return NULL;
    transfer->redirect_url = NULL;
    if (settings->max_redirects >= 0 && transfer->redirects >= settings->max_redirects) {
        transfer_failed(transfer, MANY_REDIRECTS, "Maximum (%d) redirects followed", settings->max_redirects);
        return NULL;
    }
    return next;
}

static int check_protocol(struct transfer *transfer) {
    const struct settings *settings = transfer->settings;
    bool https = !strncasecmp(transfer->url, "https:", 6), http = !strncasecmp(transfer->url, "http:", 5);
    if ((https && settings->https_allowed) || (http && settings->http_allowed)) return DONE;
    return transfer_failed(transfer, BAD_PROTOCOL, "Protocol \"%.*s\" %s", (int)strcspn(transfer->url, ":"), transfer->url, https || http ? "disabled" : "not supported");
}

/* What a redirect makes of the request. */
static void follow(struct transfer *transfer, struct hop *hop, char *next) {
    const struct settings *settings = transfer->settings;
    bool to_get = transfer->status == 303 ? strcmp(hop->method, "HEAD") : (transfer->status <= 302 && !strcmp(hop->method, "POST"));
    if (to_get || (transfer->status == 303 && hop->with_body)) {
        hop->with_body = false;
        if (!settings->method) hop->method = settings->head ? "HEAD" : "GET";
    }
    if (!settings->trusted && !same_origin(transfer->url, next)) hop->is_first_host = false;
    if (settings->verbose) fprintf(stderr, "* Issue another request to this URL: '%s'\n", next);
    transfer->url = next;
    transfer->redirects++;
}

/* One request and its answer. `again`: a redirect is to be followed. */
static int exchange(struct transfer *transfer, struct hop *hop, const struct body *body, bool *again) {
    const struct settings *settings = transfer->settings;
    struct headers headers = {0};
    const char *broken;
    *again = false;
    int code = check_protocol(transfer);
    if (code || (code = headers_of(&headers, transfer, hop, body))) return code;
    struct torpor_http_options options = {.connect_timeout = settings->connect_timeout, .deadline = hop->deadline};
    if (settings->verbose) tell_request(transfer, hop, &headers);
    transfer->method = (char *)hop->method;
    transfer->status = 0;
    struct torpor_http *http = torpor_http_open(hop->method, transfer->url, headers.items, headers.count, hop->with_body, &options);
    if (!http) return failed_by(transfer);
    if (hop->with_body && send_body(body, http, &transfer->sent, &broken) && broken) code = transfer_failed(transfer, READ_FAILED, "Failed to open/read local data from file/application: %s", broken);
    int status = code ? 0 : torpor_http_status(http);
    if (status < 0) code = failed_by(transfer);
    if (!code) {
        transfer->status = status;
        if (!transfer->first_byte) transfer->first_byte = seconds_now();
        keep_answer(transfer, http);
        char *next = next_url(transfer, http);
        if (!(code = put_headers(transfer, !next))) {
            if (next) {
                drain(http);
                follow(transfer, hop, next);
                *again = true;
            } else if (transfer->exit_code) {
                code = transfer->exit_code;
            } else if (settings->head || (status >= 400 && (settings->fail || transfer->no_output))) {
                drain(http);
            } else {
                code = take_body(transfer, http);
            }
        }
    }
    torpor_http_close(http);
    return code;
}

void run_transfer(struct transfer *transfer) {
    const struct settings *settings = transfer->settings;
    struct body body = settings->form;
    struct hop hop = {.is_first_host = true};
    if (settings->has_data && !settings->get_with_data) add_bytes(&body, settings->data);
    if (transfer->upload && !add_path(&body, transfer->upload)) {
        transfer_failed(transfer, READ_FAILED, "cannot open '%s'", transfer->upload);
        return;
    }
    hop.with_body = body.count > 0;
    hop.method = settings->method ? settings->method : settings->head ? "HEAD" : transfer->upload ? "PUT" : hop.with_body ? "POST" : "GET";
    transfer->started = seconds_now();
    transfer->total_size = -1;
    if (settings->max_time) hop.deadline = (int64_t)(transfer->started * 1e9) + settings->max_time;
    bool again = true;
    while (again && !exchange(transfer, &hop, &body, &again)) continue;
    int code = transfer->exit_code, ended = end_output(transfer);
    if (!code && !ended && transfer->status >= 400 && (settings->fail || settings->fail_with_body))
        transfer_failed(transfer, HTTP_ERROR, "The requested URL returned error: %d", transfer->status);
    transfer->ended = seconds_now();
}
