/* curl: URLs one after another, each with its output, and again where that may help. */
#include "curl.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LONGEST_PAUSE 600.0 /* seconds between two attempts, as curl has it */

static bool is_transient(const struct transfer *transfer) {
    const struct settings *settings = transfer->settings;
    int code = transfer->exit_code, status = transfer->status;
    bool by_status = status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
    if (settings->retry_all) return code || status >= 400;
    return code == TIMED_OUT || code == NO_HOST || (code == NO_CONNECTION && settings->retry_refused && strstr(transfer->message, "Couldn't connect")) || ((!code || code == HTTP_ERROR) && by_status);
}

static double pause_before(const struct transfer *transfer, int attempt) {
    const struct settings *settings = transfer->settings;
    for (size_t i = 0; i < transfer->answer.count; i++) {
        long seconds = !strcmp(transfer->answer.items[i].name, "retry-after") ? atol(transfer->answer.items[i].value) : 0;
        if (seconds > 0 && !settings->retry_delay) return (double)seconds;
    }
    if (settings->retry_delay) return (double)settings->retry_delay / 1e9;
    double pause = 1;
    for (int i = 1; i < attempt && pause < LONGEST_PAUSE; i++) pause *= 2;
    return pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
}

/* The transfer, and again as often as it may; its last state is left. */
static void attempt(struct transfer *transfer) {
    const struct settings *settings = transfer->settings;
    const struct transfer fresh = *transfer;
    double began = seconds_now();
    for (int number = 1;; number++) {
        run_transfer(transfer);
        if (number > settings->retries || !is_transient(transfer)) return;
        double pause = pause_before(transfer, number);
        if (settings->retry_max_time && seconds_now() - began + pause > (double)settings->retry_max_time / 1e9) return;
        if (!settings->silent || settings->show_error) {
            const char *problem = transfer->exit_code && transfer->exit_code != HTTP_ERROR ? transfer->message : "HTTP error";
            fprintf(stderr, "Warning: Problem: %s. Will retry in %.3g second%s. %d retr%s left.\n", problem, pause, pause == 1 ? "" : "s", settings->retries - number + 1, settings->retries == number ? "y" : "ies");
        }
        poll(NULL, 0, pause > 86400 ? 86400000 : (int)(pause * 1000));
        if (rewind_output(transfer)) return;
        *transfer = fresh;
    }
}

/* As curl takes what is typed: without a scheme, and with data behind it for -G. */
static char *full_url(const struct settings *settings, const char *typed) {
    char *url = strstr(typed, "://") ? copy(typed, strlen(typed)) : text_of("%s://%s", settings->default_scheme, typed);
    if (!settings->path_as_is) url = without_dots(url);
    if (!settings->get_with_data || !settings->has_data) return url;
    size_t size = strcspn(url, "#");
    return text_of("%.*s%c%s%s", (int)size, url, memchr(url, '?', size) ? '&' : '?', settings->data.start, url + size);
}

static int prepare(struct transfer *transfer, size_t number) {
    const struct settings *settings = transfer->settings;
    const char *typed = settings->urls.items[number];
    const char *rest = strstr(typed, "://") ? strstr(typed, "://") + 3 : typed;
    const char *path = rest + strcspn(rest, "/?");
    if (!settings->globoff && (strpbrk(rest, "{}") || strpbrk(path, "[]")))
        return transfer_failed(transfer, BAD_URL, "bad URL: {} and [] stand for several URLs in curl; give them one by one, or -g to take them as they are");
    transfer->url = full_url(settings, typed);
    if (number < settings->uploads.count) transfer->upload = settings->uploads.items[number];
    else if (settings->uploads.count == 1) transfer->upload = settings->uploads.items[0];
    if (transfer->upload && strcmp(transfer->upload, "-") && transfer->url[strlen(transfer->url) - 1] == '/') {
        const char *slash = strrchr(transfer->upload, '/');
        transfer->url = text_of("%s%s", transfer->url, slash ? slash + 1 : transfer->upload);
    }
    bool named = number < settings->outputs.count;
    const char *output = named ? settings->outputs.items[number] : NULL;
    transfer->names_url = named ? !output : settings->remote_name_all;
    if (transfer->names_url) {
        char *name = file_name_of(transfer->url);
        if (!*name && !settings->remote_header_name) return transfer_failed(transfer, WRITE_FAILED, "Remote file name has no length");
        transfer->path = output_path(settings, *name ? name : "curl_response");
    } else if (output && strcmp(output, "-")) {
        transfer->path = output_path(settings, output);
    }
    struct stat of;
    if (settings->resume && !strcmp(settings->resume, "-")) transfer->skip = transfer->path && !stat(transfer->path, &of) ? of.st_size : 0;
    else if (settings->resume) transfer->skip = atoll(settings->resume);
    return DONE;
}

int main_curl(int argc, char **argv) {
    struct settings settings;
    int code = read_options(argc, argv, &settings);
    if (code) return code < 0 ? 0 : code;
    for (size_t number = 0; number < settings.urls.count; number++) {
        struct transfer transfer = {.settings = &settings, .url = settings.urls.items[number], .fd = -1, .gzip = -1, .total_size = -1};
        if (!prepare(&transfer, number)) attempt(&transfer);
        if (transfer.exit_code && (!settings.silent || settings.show_error)) complain("(%d) %s", transfer.exit_code, transfer.message);
        if (settings.write_out) write_out(&transfer, settings.write_out);
        code = transfer.exit_code;
        if (code && settings.fail_early) break;
    }
    if (settings.cookie_jar && save_cookies(settings.cookie_jar)) fprintf(stderr, "Warning: failed to save cookies in %s\n", settings.cookie_jar);
    return code;
}
