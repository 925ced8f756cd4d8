/* Where answers go: files that are made when the first of them comes, stdout, headers apart, and gzip between. */
#include "curl.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

char *output_path(const struct settings *settings, const char *name) {
    return settings->output_dir ? text_of("%s/%s", settings->output_dir, name) : copy(name, strlen(name));
}

static const char *header(const struct transfer *transfer, const char *name) {
    for (size_t i = 0; i < transfer->answer.count; i++)
        if (!strcasecmp(transfer->answer.items[i].name, name)) return transfer->answer.items[i].value;
    return NULL;
}

/* The name that content-disposition says, without directories; NULL without one. */
static char *told_name(const struct transfer *transfer) {
    const char *line = header(transfer, "content-disposition"), *at = line ? strcasestr(line, "filename=") : NULL;
    if (!at) return NULL;
    at += strlen("filename=");
    size_t size = *at == '"' ? strcspn(++at, "\"") : strcspn(at, "; ");
    char *name = copy(at, size), *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static int start_gzip(struct transfer *transfer) {
    int ends[2];
    char *words[] = {"gzip", "-dc", NULL};
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC)) return transfer_failed(transfer, BAD_ENCODING, "gzip: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    if (transfer->fd != 1) posix_spawn_file_actions_adddup2(&actions, transfer->fd, 1);
    int error = posix_spawnp(&transfer->gzip_pid, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    if (error) {
        close(ends[1]);
        return transfer_failed(transfer, BAD_ENCODING, "gzip: %s", strerror(error));
    }
    transfer->gzip = ends[1];
    return DONE;
}

static int open_output(struct transfer *transfer) {
    const struct settings *settings = transfer->settings;
    if (transfer->fd >= 0) return DONE;
    char *told = transfer->names_url && settings->remote_header_name ? told_name(transfer) : NULL;
    if (told && *told) transfer->path = output_path(settings, told);
    if (!transfer->path) {
        transfer->fd = 1;
        transfer->to_terminal = isatty(1);
    } else {
        if (settings->create_dirs) make_directories_for(transfer->path);
        int how = O_WRONLY | O_CREAT | O_CLOEXEC | (transfer->skip ? O_APPEND : O_TRUNC) | (told ? O_EXCL : 0);
        transfer->fd = open(transfer->path, how, 0666);
        if (transfer->fd < 0) return transfer_failed(transfer, WRITE_FAILED, "Failed to open the file %s: %s", transfer->path, strerror(errno));
    }
    return DONE;
}

static int put(struct transfer *transfer, const void *bytes, size_t size) {
    if (!write_all(transfer->gzip >= 0 ? transfer->gzip : transfer->fd, bytes, size)) return DONE;
    return transfer_failed(transfer, WRITE_FAILED, "Failure writing output to destination");
}

int put_headers(struct transfer *transfer, bool last) {
    const struct settings *settings = transfer->settings;
    struct text text = {0};
    add_format(&text, "HTTP/1.1 %d %s\r\n", transfer->status, reason_of(transfer->status));
    for (size_t i = 0; i < transfer->answer.count; i++) add_format(&text, "%s: %s\r\n", transfer->answer.items[i].name, transfer->answer.items[i].value);
    add_text(&text, "\r\n");
    transfer->header_size += (long long)text.size;
    transfer->header_lines = (int)transfer->answer.count;
    int code = DONE;
    if (settings->dump_header) {
        static bool begun;
        int fd = strcmp(settings->dump_header, "-") ? open(settings->dump_header, O_WRONLY | O_CREAT | O_CLOEXEC | (begun ? O_APPEND : O_TRUNC), 0666) : dup(1);
        begun = true;
        if (fd < 0 || write_all(fd, text.start, text.size)) code = transfer_failed(transfer, WRITE_FAILED, "Failed to open %s", settings->dump_header);
        if (fd >= 0) close(fd);
    }
    if (last && transfer->skip && transfer->status != 206) {
        transfer->no_output = true; /* it is no part of the file */
        bool told = transfer->status == 416 || (transfer->status >= 400 && settings->fail);
        if (!code && !told) code = transfer_failed(transfer, NO_RANGE, "HTTP server does not seem to support byte ranges. Cannot resume.");
    }
    bool wanted = (settings->include || settings->head) && !transfer->no_output;
    if (!code && wanted && !(code = open_output(transfer))) code = put(transfer, text.start, text.size);
    free(text.start);
    return code;
}

/* At a terminal, and only for what goes somewhere else. */
static void show_progress(struct transfer *transfer, bool last) {
    const struct settings *settings = transfer->settings;
    double now = seconds_now();
    if (settings->silent || settings->no_meter || transfer->to_terminal || !isatty(2) || (!last && now - transfer->shown < 0.2)) return;
    transfer->shown = now;
    double speed = (double)transfer->received / (now - transfer->started + 1e-9);
    if (transfer->total_size > 0) fprintf(stderr, "\r%3lld%% of %lld bytes, %.0f a second ", transfer->received * 100 / transfer->total_size, transfer->total_size, speed);
    else fprintf(stderr, "\r%lld bytes, %.0f a second ", transfer->received, speed);
    if (last) fputc('\n', stderr);
}

int put_body(struct transfer *transfer, const void *bytes, size_t size) {
    bool first = transfer->received == (long long)size;
    int code = open_output(transfer);
    const char *coding = first && transfer->settings->compressed ? header(transfer, "content-encoding") : NULL;
    if (!code && coding && (!strcasecmp(coding, "gzip") || !strcasecmp(coding, "x-gzip"))) code = start_gzip(transfer);
    if (code) return code;
    if (transfer->to_terminal && transfer->gzip < 0 && first && memchr(bytes, 0, size)) {
        fputs("Warning: Binary output can mess up your terminal. Use \"--output -\" to tell curl to output it to your terminal anyway, or consider "
              "\"--output <FILE>\" to save to a file.\n", stderr);
        return transfer_failed(transfer, WRITE_FAILED, "Failure writing output to destination");
    }
    code = put(transfer, bytes, size);
    show_progress(transfer, false);
    return code;
}

int end_output(struct transfer *transfer) {
    int code = DONE, status = 0;
    bool failing = transfer->exit_code || (transfer->status >= 400 && transfer->settings->fail) || transfer->no_output;
    if (!failing && transfer->path && transfer->fd < 0) code = open_output(transfer); /* an empty answer is an empty file */
    if (transfer->shown) show_progress(transfer, true);
    if (transfer->gzip >= 0) {
        close(transfer->gzip);
        transfer->gzip = -1;
        if (waitpid(transfer->gzip_pid, &status, 0) > 0 && status && !transfer->exit_code) code = transfer_failed(transfer, BAD_ENCODING, "Error while processing content unencoding: gzip");
    }
    if (transfer->fd > 1 && close(transfer->fd) && !transfer->exit_code) code = transfer_failed(transfer, WRITE_FAILED, "Failure writing output to destination");
    transfer->fd = -1;
    return code;
}

int rewind_output(struct transfer *transfer) {
    struct stat of;
    if (!transfer->path || stat(transfer->path, &of) || !S_ISREG(of.st_mode) || of.st_size <= transfer->skip) return DONE;
    return truncate(transfer->path, transfer->skip) ? WRITE_FAILED : DONE;
}
