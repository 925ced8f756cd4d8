/* A bit a signal, as the record has it that host and program share; wasi-libc has eight bits. */
#ifndef __wasilibc___typedef_sigset_t_h
#define __wasilibc___typedef_sigset_t_h
typedef unsigned long long sigset_t;
#endif
