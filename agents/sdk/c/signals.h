/* What other files need to know of signals. */
#ifndef TORPOR_SIGNALS_H
#define TORPOR_SIGNALS_H

#include <signal.h>
#include <stdint.h>

extern int posix_handlers_running;

static inline uint64_t posix_bit(int signal) { return 1ULL << (signal - 1); }

/* What nobody can block is left out of a mask without a word. */
static inline uint64_t posix_blockable(uint64_t mask) { return mask & ~(posix_bit(SIGKILL) | posix_bit(SIGSTOP)); }

#endif
