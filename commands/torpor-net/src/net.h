/* What the programs share: text that grows, URLs, bodies of requests, and how mistakes are told. */
#ifndef NET_H
#define NET_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <torpor/http.h>

enum { PIECE = 65536 };

extern const char *program;
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Memory, or the end of the program. */
void *get(size_t size);
char *copy(const char *text, size_t size);
char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Bytes that grow, ended by NUL. */
struct text { char *start; size_t size, room; };
void add(struct text *to, const void *bytes, size_t size);
void add_text(struct text *to, const char *text);
void add_format(struct text *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* All that comes from a descriptor; false where reading fails. */
bool add_all(struct text *to, int fd);
/* A file's content, or that of stdin for "-"; false where it cannot be read. */
bool add_file(struct text *to, const char *path);
void add_encoded(struct text *to, const char *bytes, size_t size);
char *base64(const char *bytes, size_t size);
/* With %XX decoded. */
char *decoded(const char *text, size_t size);

/* Pointers that grow. */
struct list { char **items; size_t count; };
void push(struct list *to, char *item);

/* Headers to be sent. */
struct headers { struct torpor_http_header *items; size_t count; };
void add_header(struct headers *to, const char *name, const char *value);
bool has_header(const struct headers *headers, const char *name);
/* "name: value", "name:" and "name;" taken apart: the value is NULL for "name:", and "" for "name;". False for none of these. */
bool split_header(const char *line, char **name, char **value);

/* Where a reference leads that a document at a URL has (RFC 3986, 5.2). */
char *resolved(const char *base, const char *reference);
/* With . and .. of its path taken away. */
char *without_dots(const char *url);
bool same_origin(const char *one, const char *other);
int port_of(const struct torpor_http_url *url);
char *host_of(const struct torpor_http_url *url);
/* The last piece of a URL's path; "" where that ends with a slash. */
char *file_name_of(const char *url);
/* A header's value for "name:password". */
char *basic(const char *pair, size_t size);
const char *reason_of(int status);

/* A request's body: pieces of memory and files, one after another. */
struct part { char *bytes; size_t size; const char *path; };
struct body { struct part *parts; size_t count; };
void add_bytes(struct body *to, struct text bytes);
/* "-" is stdin. False where the file cannot be read. */
bool add_path(struct body *to, const char *path);
/* -1 where it is not known beforehand. */
long long body_size(const struct body *body);
/* What went wrong is -1: reading (then `broken` names the file), else writing, for which the request has the reason. */
int send_body(const struct body *body, struct torpor_http *http, long long *sent, const char **broken);

/* The directories that a file is to be in. */
void make_directories_for(const char *path);
int write_all(int fd, const void *bytes, size_t size);
double seconds_now(void);
/* Of a number of seconds in text: nanoseconds, -1 for none. */
long long nanoseconds(const char *text);

int main_curl(int, char **);
int main_git_remote(int, char **);
int main_ssh(int, char **);
int main_wget(int, char **);

#endif
