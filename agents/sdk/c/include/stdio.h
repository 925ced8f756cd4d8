/* What wasi-libc's <stdio.h> leaves out, and a larger buffer: a call of the host costs as much as copying some KiB. */
/* It declares these two as deprecated. */
#define tmpfile __wasi_has_no_tmpfile
#define tmpnam __wasi_has_no_tmpnam
#include_next <stdio.h>
#undef tmpfile
#undef tmpnam
#ifndef TORPOR_STDIO_H
#define TORPOR_STDIO_H

#undef BUFSIZ
#define BUFSIZ 32768
#define TMP_MAX 10000
#define L_tmpnam 20
#define P_tmpdir "/tmp"

#ifdef __cplusplus
extern "C" {
#endif

FILE *popen(const char *, const char *);
int pclose(FILE *);
FILE *tmpfile(void);
char *tmpnam(char *);
char *tempnam(const char *, const char *);
int renameat2(int, const char *, int, const char *, unsigned);
void flockfile(FILE *);
void funlockfile(FILE *);
int ftrylockfile(FILE *);

#ifdef __cplusplus
}
#endif
#endif
