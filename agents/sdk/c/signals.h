/* What fork and setjmp need to know of signals. */
#ifndef TORPOR_SIGNALS_H
#define TORPOR_SIGNALS_H
extern int posix_handlers_running;
#endif
