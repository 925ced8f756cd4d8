/* rg, as far as GNU grep can be it. */
#ifndef RG_H
#define RG_H

#include "tools.h"

enum { LONGEST_GLOB = 256, LONGEST_PATH = 4096, DEEPEST = 256 };

struct words { const char **words; size_t count; };
void add(struct words *words, const char *word);

/* Which files are searched. */
struct choice {
    struct words globs, types, other_types; /* of types: their globs */
    bool hidden, unignored, follow;
    int depth;
};

void print_types(void);
/* With spaces between them; NULL for no type. */
const char *globs_of_type(const char *name);
/* Adds the files below a path, which is "" for the working directory; false if there is nothing. */
bool list_files(const struct choice *choice, const char *path, struct words *files);

/* Starts a command and reads what it writes; NULL if there is none. */
FILE *read_from(const struct words *command, bool quiet);
/* Its exit code. */
int ended(FILE *output);

#endif
