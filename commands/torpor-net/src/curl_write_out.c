/* --write-out: variables of a transfer. What only the runtime knows, such as the time of a name's lookup, is 0. */
#include "curl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static double since(const struct transfer *transfer, double then) { return then > transfer->started ? then - transfer->started : 0; }

static void put_text(FILE *to, const char *text) {
    if (text) fputs(text, to);
}

static bool put_variable(FILE *to, const struct transfer *transfer, const char *name) {
    double total = since(transfer, transfer->ended);
    struct torpor_http_url parts;
    bool parsed = torpor_http_parse(transfer->url, &parts);
    static const char *const ZERO[] = {"time_namelookup", "time_connect", "time_appconnect", "time_pretransfer", "time_redirect"};
    for (size_t each = 0; each < sizeof ZERO / sizeof *ZERO; each++)
        if (!strcmp(name, ZERO[each])) return fputs("0.000000", to), true;
    if (!strcmp(name, "http_code") || !strcmp(name, "response_code")) fprintf(to, "%03d", transfer->status);
    else if (!strcmp(name, "time_total")) fprintf(to, "%.6f", total);
    else if (!strcmp(name, "time_starttransfer")) fprintf(to, "%.6f", since(transfer, transfer->first_byte));
    else if (!strcmp(name, "size_download")) fprintf(to, "%lld", transfer->received);
    else if (!strcmp(name, "size_upload")) fprintf(to, "%lld", transfer->sent);
    else if (!strcmp(name, "size_header")) fprintf(to, "%lld", transfer->header_size);
    else if (!strcmp(name, "speed_download")) fprintf(to, "%.0f", total > 0 ? (double)transfer->received / total : 0);
    else if (!strcmp(name, "speed_upload")) fprintf(to, "%.0f", total > 0 ? (double)transfer->sent / total : 0);
    else if (!strcmp(name, "num_redirects")) fprintf(to, "%d", transfer->redirects);
    else if (!strcmp(name, "num_headers")) fprintf(to, "%d", transfer->header_lines);
    else if (!strcmp(name, "url_effective") || !strcmp(name, "url")) put_text(to, transfer->url);
    else if (!strcmp(name, "redirect_url")) put_text(to, transfer->redirect_url);
    else if (!strcmp(name, "content_type")) put_text(to, transfer->content_type);
    else if (!strcmp(name, "method")) put_text(to, transfer->method);
    else if (!strcmp(name, "filename_effective")) put_text(to, transfer->path);
    else if (!strcmp(name, "exitcode")) fprintf(to, "%d", transfer->exit_code);
    else if (!strcmp(name, "errormsg")) put_text(to, transfer->exit_code ? transfer->message : "");
    else if (!strcmp(name, "http_version")) put_text(to, transfer->status ? "1.1" : "0");
    else if (!strcmp(name, "scheme")) put_text(to, parsed ? (parts.secure ? "https" : "http") : "");
    else return false;
    return true;
}

static void put_header(FILE *to, const struct transfer *transfer, const char *name) {
    for (size_t i = 0; i < transfer->answer.count; i++)
        if (!strcasecmp(transfer->answer.items[i].name, name)) {
            put_text(to, transfer->answer.items[i].value);
            return;
        }
}

void write_out(const struct transfer *transfer, const char *format) {
    static const char ESCAPES[] = "n\nt\tr\r";
    FILE *to = stdout;
    for (const char *at = format; *at; at++) {
        const char *end;
        const char *escape = *at == '\\' && at[1] ? strchr(ESCAPES, at[1]) : NULL;
        if (escape && (escape - ESCAPES) % 2 == 0) {
            putc(escape[1], to);
            at++;
        } else if (*at == '%' && at[1] == '%') {
            putc(*at++, to);
        } else if (*at == '%' && (at[1] == '{' || !strncmp(at, "%header{", 8)) && (end = strchr(at, '}'))) {
            const char *start = strchr(at, '{') + 1;
            char *name = copy(start, (size_t)(end - start));
            if (at[1] != '{') put_header(to, transfer, name);
            else if (!strcmp(name, "stderr") || !strcmp(name, "stdout")) fflush(to), to = strcmp(name, "stdout") ? stderr : stdout;
            else if (!strcmp(name, "onerror") && !transfer->exit_code) end = at + strlen(at) - 1;
            else if (strcmp(name, "onerror") && !put_variable(to, transfer, name)) fprintf(stderr, "curl: unknown --write-out variable: '%s'\n", name);
            free(name);
            at = end;
        } else {
            putc(*at, to);
        }
    }
    fflush(to);
}
