/* What programs that draw on a screen ask of terminals, as /etc/termcap describes them, or the file that TERMCAP names; or TERMCAP
   itself. Of an entry that refers to another one (tc) only its own part counts. */
#include "sys.h"

#include <stdio.h>
#include <stdlib.h>

#include <termcap.h>

#define TERMCAP_FILE "/etc/termcap"

LIBC char PC, *BC, *UP;
LIBC short ospeed;

static char *entry; /* of the terminal that was asked for last */

/* Whether `name` is among the names before the first colon. */
static bool is_called(const char *line, const char *name) {
    size_t size = strlen(name);
    for (;;) {
        size_t here = strcspn(line, "|:");
        if (here == size && strncmp(line, name, size) == 0) return true;
        if (line[here] != '|') return false;
        line += here + 1;
    }
}

/* Reads a line, with those that continue it, into `line`. */
static bool read_entry(FILE *file, char **line, size_t *room) {
    ssize_t size = getline(line, room, file);
    if (size < 0) return false;
    while (size >= 2 && strcmp(*line + size - 2, "\\\n") == 0) {
        char *more = NULL;
        size_t more_room = 0;
        ssize_t more_size = getline(&more, &more_room, file);
        char *longer = more_size < 0 ? NULL : realloc(*line, (size_t)(size - 2 + more_size) + 1);
        if (longer) {
            memcpy(longer + size - 2, more, (size_t)more_size + 1);
            *line = longer;
            *room = (size_t)(size - 2 + more_size) + 1;
        }
        free(more);
        if (longer == NULL) break;
        size += more_size - 2;
    }
    return true;
}

/* 1; 0 if there is no such terminal, -1 if there is no file. `buffer` is left alone. */
LIBC int tgetent(char *buffer, const char *name) {
    (void)buffer;
    const char *given = getenv("TERMCAP");
    free(entry);
    entry = NULL;
    if (given && *given && *given != '/' && is_called(given, name)) return (entry = strdup(given)) ? 1 : -1;
    FILE *file = fopen(given && *given == '/' ? given : TERMCAP_FILE, "re");
    if (file == NULL) return -1;
    char *line = NULL;
    size_t room = 0;
    while (read_entry(file, &line, &room)) {
        if (*line != '#' && is_called(line, name)) {
            line[strcspn(line, "\n")] = 0;
            entry = line;
            line = NULL;
            break;
        }
    }
    free(line);
    fclose(file);
    return entry ? 1 : 0;
}

/* What stands behind the two letters of a field; NULL if the entry has none. */
static const char *field(const char *id) {
    if (entry == NULL || strlen(id) != 2) return NULL;
    for (const char *at = strchr(entry, ':'); at; at = strchr(at, ':')) {
        at += 1 + strspn(at + 1, " \t");
        if (strncmp(at, id, 2) == 0) return at + 2;
    }
    return NULL;
}

LIBC int tgetflag(const char *id) {
    const char *found = field(id);
    return found && (*found == ':' || *found == 0);
}

LIBC int tgetnum(const char *id) {
    const char *found = field(id);
    return found && *found == '#' ? (int)strtol(found + 1, NULL, 0) : -1;
}

/* Decodes to `to` what stands up to the next colon; where it ends. */
static char *decode(const char *from, char *to) {
    static const char letters[] = "EebBfFnNrRtTaA", meant[] = "\33\33\b\b\f\f\n\n\r\r\t\t\a\a";
    for (; *from && *from != ':'; from++) {
        if (*from == '^' && from[1]) {
            *to++ = (char)(*++from == '?' ? 127 : *from & 31);
        } else if (*from == '\\' && from[1] >= '0' && from[1] <= '7') {
            int value = 0, digits = 0;
            while (digits < 3 && from[1] >= '0' && from[1] <= '7') value = value * 8 + *++from - '0', digits++;
            *to++ = (char)(value ? value : 128); /* a NUL would end the text; terminals take this for one */
        } else if (*from == '\\' && from[1]) {
            const char *letter = strchr(letters, *++from);
            *to++ = letter ? meant[letter - letters] : *from;
        } else {
            *to++ = *from;
        }
    }
    *to++ = 0;
    return to;
}

/* Puts the text at *AREA, which it moves on; without an area, into memory of its own. */
LIBC char *tgetstr(const char *id, char **area) {
    const char *found = field(id);
    if (found == NULL || *found != '=') return NULL;
    char *text = area ? *area : malloc(strlen(found)); /* a colon may be meant as one, so the field's end is not known yet */
    if (text == NULL) return NULL;
    char *end = decode(found + 1, text);
    if (area) *area = end;
    return text;
}

/* The text of a capability with a row and a column in it, good until the next call. */
LIBC char *tgoto(const char *capability, int column, int row) {
    static char text[128];
    char *to = text;
    int values[] = {row, column}, next = 0;
    for (const char *from = capability; *from && to < text + sizeof text - 12; from++) {
        if (*from != '%' || from[1] == '%') {
            from += *from == '%';
            *to++ = *from;
            continue;
        }
        int value = values[next & 1];
        switch (*++from) {
            case 'd': to += sprintf(to, "%d", value), next++; break;
            case '2': to += sprintf(to, "%02d", value), next++; break;
            case '3': to += sprintf(to, "%03d", value), next++; break;
            case '+':
                if (from[1]) value += *++from;
                __attribute__((fallthrough));
            case '.': *to++ = (char)value, next++; break;
            case 'i': values[0]++, values[1]++; break;
            case 'r': values[0] = column, values[1] = row; break;
            default: return (char *)"OOPS"; /* what everyone says here */
        }
    }
    *to = 0;
    return text;
}

/* Terminals have been quick enough for a long time: what says how long to wait is left out. */
LIBC int tputs(const char *text, int lines, int (*put)(int)) {
    (void)lines;
    text += strspn(text, "0123456789.*");
    while (*text) put((unsigned char)*text++);
    return 0;
}
