// What a file says of terminals: the first argument is its path.
#include <malloc.h>
#include <stdlib.h>
#include <termcap.h>

#include "check.h"

static char out[64];
static int put(int one) {
    out[strlen(out)] = (char)one;
    return one;
}

int main(void) {
    char area[64], *at = area;
    FILE *file = fopen("/tmp/caps", "w");
    fputs("# terminals\nnone|dumb:am:co#80:\nvt|vt9|a terminal:am:\\\n\t:co#132:li#030:up=\\E[A:kb=^H:x1=5*\\072\\\\^?:\\\n"
          "\t:cm=\\E[%i%d;%dH:c2=%r%2,%3%%%+ :c3=%z:\\\n\t:x2=^:\\:and twenty more of them:am:\n",
          file);
    fclose(file);
    check("no terminal", tgetstr("up", &at) == NULL && tgetnum("co") == -1 && !tgetflag("am"));
    unsetenv("TERMCAP");
    setenv("TERMCAP", "/tmp/absent", 1);
    check("no file", tgetent(NULL, "vt") == -1);
    setenv("TERMCAP", "/tmp/caps", 1);
    check("no entry", tgetent(NULL, "vt1") == 0 && tgetnum("co") == -1);
    check("entry", tgetent(NULL, "dumb") == 1 && tgetnum("co") == 80 && tgetstr("up", NULL) == NULL);
    check("by another name", tgetent(NULL, "vt9") == 1 && tgetnum("co") == 132 && tgetnum("li") == 24);
    check("flags", tgetflag("am") == 1 && tgetflag("xn") == 0 && tgetflag("co") == 0 && tgetflag("a") == 0);
    check("area", tgetstr("up", &at) == area && strcmp(area, "\33[A") == 0 && at == area + 4);
    check("escapes", strcmp(tgetstr("kb", &at), "\b") == 0 && strcmp(tgetstr("x1", NULL), "5*:\\\177") == 0);
    char *colons = tgetstr("x2", NULL);
    check("colons", strcmp(colons, "\32:and twenty more of them") == 0 && malloc_usable_size(colons) > strlen(colons));
    check("goto", strcmp(tgoto(tgetstr("cm", NULL), 4, 9), "\33[10;5H") == 0);
    check("goto by other words", strcmp(tgoto(tgetstr("c2", NULL), 4, 9), "04,009%$") == 0);
    check("goto that is wrong", strcmp(tgoto(tgetstr("c3", NULL), 4, 9), "OOPS") == 0);
    tputs(tgetstr("x1", NULL), 1, put);
    check("put", strcmp(out, ":\\\177") == 0);
    setenv("TERMCAP", "own|o:am:li#7:", 1);
    check("in the variable", tgetent(NULL, "o") == 1 && tgetnum("li") == 7);
    return done();
}
