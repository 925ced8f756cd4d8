/* The usual numbers: a type is its mode >> 12. */
#ifndef __wasilibc___header_dirent_h
#define __wasilibc___header_dirent_h

#include <__struct_dirent.h>
#include <__typedef_DIR.h>

#define DT_UNKNOWN 0
#define DT_FIFO 1
#define DT_CHR 2
#define DT_DIR 4
#define DT_BLK 6
#define DT_REG 8
#define DT_LNK 10
#define DT_SOCK 12
#define DT_WHT 14
#define IFTODT(mode) (((mode) >> 12) & 017)
#define DTTOIF(type) ((type) << 12)

#ifdef __cplusplus
extern "C" {
#endif
int scandirat(int, const char *, struct dirent ***, int (*)(const struct dirent *),
              int (*)(const struct dirent **, const struct dirent **));
#ifdef __cplusplus
}
#endif
#endif
