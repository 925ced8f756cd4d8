// Exits with the code of its first argument. With a second argument it returns the code from main: all that WASI preview 1
// can say then is success or failure.
#include "guest.h"
#include "wasi.h"

WASI("cli/exit", "exit-with-code") void exit_with_code(int32_t code);

int main(int argc, char **argv) {
    int code = argc > 1 ? atoi(argv[1]) : 0;
    printf("leaving with %d\n", code);
    if (argc > 2) return code;
    fflush(stdout);
    exit_with_code(code);
}
