/* What curl is told by its options, and one transfer of it. */
#ifndef CURL_H
#define CURL_H

#include "net.h"

/* Exit codes, as curl's manual has them. */
enum {
    DONE = 0, BAD_PROTOCOL = 1, BAD_USE = 2, BAD_URL = 3, NO_HOST = 6, NO_CONNECTION = 7, PARTIAL = 18, HTTP_ERROR = 22, WRITE_FAILED = 23,
    READ_FAILED = 26, TIMED_OUT = 28, NO_RANGE = 33, TLS_FAILED = 35, MANY_REDIRECTS = 47, NO_ANSWER = 52, BROKEN_OFF = 56,
    BAD_CERTIFICATE = 60, BAD_ENCODING = 61
};

struct settings {
    bool silent, show_error, fail, fail_with_body, fail_early, follow, trusted, include, head, get_with_data, verbose, create_dirs;
    bool compressed, remote_header_name, remote_name_all, path_as_is, globoff, retry_all, retry_refused, json, auto_referer;
    bool http_allowed, https_allowed, has_data, cookies_on, no_meter;
    int max_redirects, retries;
    long long max_time, connect_timeout, retry_delay, retry_max_time; /* nanoseconds; 0: none */
    const char *method, *user, *bearer, *agent, *referer, *cookie, *dump_header, *write_out, *output_dir, *range, *resume, *cookie_jar;
    const char *default_scheme;
    struct headers headers; /* with a NULL for a value: it is not to be sent */
    struct text data;
    struct body form;
    char *form_type;
    struct list urls, outputs, uploads; /* an output is NULL for the name that the URL has */
};

struct transfer {
    const struct settings *settings;
    char *url, *path; /* `path` of the file that is written; NULL for stdout */
    const char *upload;
    int status, redirects, exit_code, header_lines;
    long long received, sent, header_size, total_size; /* -1: not told */
    double started, first_byte, ended;
    char *content_type, *redirect_url, *method;
    struct headers answer;
    char message[512];

    /* where the body goes */
    int fd, gzip; /* of the file or stdout, and of the pipe to gzip: -1 where there is none */
    int gzip_pid;
    long long skip; /* bytes that are in the file already */
    bool names_url, to_terminal, no_output;
    double shown;
};

/* The settings, or an exit code that the program ends with. */
int read_options(int argc, char **argv, struct settings *settings);
void print_options(void);

/* curl_transfer.c */
void run_transfer(struct transfer *transfer);
int transfer_failed(struct transfer *transfer, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* curl_output.c: these fail with what `transfer_failed` returns */
int put_headers(struct transfer *transfer, bool last);
int put_body(struct transfer *transfer, const void *bytes, size_t size);
int end_output(struct transfer *transfer);
int rewind_output(struct transfer *transfer);
/* The file's name where the URL or the answer says it. */
char *output_path(const struct settings *settings, const char *name);

/* curl_write_out.c */
void write_out(const struct transfer *transfer, const char *format);

/* curl_cookies.c */
void load_cookies(const char *path);
char *cookies_for(const char *url);
void take_cookie(const char *url, const char *line);
int save_cookies(const char *path);

#endif
