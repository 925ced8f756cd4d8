/* Strings for the host, and starting programs with them. */
#ifndef TORPOR_PROGRAMS_H
#define TORPOR_PROGRAMS_H

#include "sys.h"

/* `start` is called with each path that `file` may be, until it does not fail for want of a program there. Its last result. */
typedef int posix_start(void *with, const char *path, char *const argv[]);
int posix_search(const char *file, char *const argv[], posix_start *start, void *with);

/* Strings side by side, each with its NUL, from malloc; SIZE in bytes. NULL and errno without memory. */
char *posix_pack(char *const strings[], uint32_t *size);

#endif
