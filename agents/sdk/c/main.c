/* main with two or three parameters; the compiler gives that with none the name __main_void itself. */
#include "sys.h"

#include <unistd.h>

extern int __main_argc_argv(int, char **) __attribute__((weak));
extern int main_with_environment(int, char **, char **) __asm__("main") __attribute__((weak));

int __main_void(void) {
    if (__main_argc_argv) return __main_argc_argv(posix_argument_count, posix_arguments);
    return main_with_environment(posix_argument_count, posix_arguments, environ);
}
