/* From the component's entry to main, and out again. With fork: see fork.c. */
#include "sys.h"

#include <stdlib.h>
#include <unistd.h>

#include "fork.h"

extern void __wasm_call_ctors(void);
extern int __main_void(void);

char **posix_arguments;
int posix_argument_count;

char **__wasilibc_environ;
extern char **environ __attribute__((alias("__wasilibc_environ")));
extern char **_environ __attribute__((alias("__wasilibc_environ")));

/* libc's getenv and setenv ask for these before they look; all is there from the start. */
void __wasilibc_ensure_environ(void) {}
void __wasilibc_initialize_environ(void) {}

/* The status is one byte, as wait gives it. */
LIBC _Noreturn void _Exit(int status) {
    posix_end_child((status & 255) << 8);
    sys_exit((uint32_t)status & 255);
    __builtin_trap();
}

LIBC _Noreturn void _exit(int status) { _Exit(status); }

static char **strings(char **at, uint32_t count, char **text) {
    for (uint32_t i = 0; i < count; i++) {
        at[i] = *text;
        *text += strlen(*text) + 1;
    }
    at[count] = NULL;
    return at + count + 1;
}

static void take_arguments(void) {
    int32_t size = sys_arguments(NULL, 0);
    char *block = malloc((size_t)size);
    if (block == NULL || sys_arguments(block, (uint32_t)size) != size) _Exit(126);
    uint32_t counts[2];
    memcpy(counts, block, sizeof counts);
    char **pointers = malloc((counts[0] + counts[1] + 2) * sizeof *pointers);
    if (pointers == NULL) _Exit(126);
    char *text = block + sizeof counts;
    posix_argument_count = (int)counts[0];
    posix_arguments = pointers;
    __wasilibc_environ = strings(pointers, counts[0], &text);
    strings(__wasilibc_environ, counts[1], &text);
}

/* What error(3) and the like begin their messages with. */
static void take_name(void) {
    if (posix_argument_count == 0) return;
    program_invocation_name = posix_arguments[0];
    char *slash = strrchr(program_invocation_name, '/');
    program_invocation_short_name = slash ? slash + 1 : program_invocation_name;
}

static void begin(void) {
    posix_signals_start();
    take_arguments();
    take_name();
    __wasm_call_ctors();
}

/* What never returns must not look so to the compiler: a fork leaves through here. */
__attribute__((noinline, optnone)) static int posix_body(void) {
    exit(__main_void());
    return 0;
}

#ifdef POSIX_FORK_FULL
/* Nothing of the program is on the wasm stack in these two but themselves, and Asyncify leaves them alone
   (build/posix_programs.py names them): memory alone is the process. */
__attribute__((export_name("wasi:cli/run@0.2.12#run"))) int posix_run(void) {
    begin();
    for (;;) {
        posix_body();
        posix_fork_parent();
    }
}

/* The engine calls it as it calls run: with a result. */
__attribute__((export_name("posix_child"))) int posix_child(void) {
    posix_fork_child();
    for (;;) {
        posix_body();
        posix_fork_parent();
    }
}
#else
__attribute__((export_name("wasi:cli/run@0.2.12#run"))) int posix_run(void) {
    begin();
    return posix_body();
}
#endif
