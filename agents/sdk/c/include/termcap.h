/* wasi-libc has no such header. */
#ifndef TORPOR_TERMCAP_H
#define TORPOR_TERMCAP_H

#ifdef __cplusplus
extern "C" {
#endif

extern char PC, *BC, *UP;
extern short ospeed;

int tgetent(char *buffer, const char *name);
int tgetflag(const char *id);
int tgetnum(const char *id);
char *tgetstr(const char *id, char **area);
char *tgoto(const char *capability, int column, int row);
int tputs(const char *text, int lines, int (*put)(int));

#ifdef __cplusplus
}
#endif

#endif
