/* What ps can tell of a process, column by column. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include "tools.h"

struct column {
    const char *name, *head;
    int width;
    bool left;
    /* As it is shown. */
    const char *(*text)(const struct process *);
    /* By which it is sorted; NULL: by its text. */
    long long (*key)(const struct process *);
};

const struct column *find_column(const char *name, size_t length);
int compare_column(const struct column *column, const struct process *a, const struct process *b);

/* Whether `args` shows the environment, too. */
extern bool with_environment;
/* Whether a tree has spaces alone, as of `-H`. */
extern bool only_indented;
/* Hundredths of a percent: computed since it began, and of the memory. */
long long cpu_share(const struct process *process);
long long memory_share(const struct process *process);

#endif
