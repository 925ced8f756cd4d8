/* A VM's network is not for sockets: these would else be libc's, which ask preview 1 for them. */
#include "sys.h"

#pragma clang diagnostic ignored "-Wunused-parameter"

#define NO_SOCKET(name, ...)        \
    LIBC int name(__VA_ARGS__) {    \
        return posix_fail(ENOSYS);  \
    }
NO_SOCKET(accept, int a, void *b, void *c)
NO_SOCKET(accept4, int a, void *b, void *c, int d)
NO_SOCKET(getsockopt, int a, int b, int c, void *d, void *e)
NO_SOCKET(setsockopt, int a, int b, int c, const void *d, unsigned e)
NO_SOCKET(recv, int a, void *b, size_t c, int d)
NO_SOCKET(send, int a, const void *b, size_t c, int d)
NO_SOCKET(shutdown, int a, int b)
NO_SOCKET(socket, int a, int b, int c)
NO_SOCKET(socketpair, int a, int b, int c, int *d)
NO_SOCKET(connect, int a, const void *b, unsigned c)
NO_SOCKET(bind, int a, const void *b, unsigned c)
NO_SOCKET(listen, int a, int b)
