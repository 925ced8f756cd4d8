/* A VM's network is not for sockets: some of these would else be libc's, which ask preview 1 for them. No host has an address. */
#include "sys.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#pragma clang diagnostic ignored "-Wunused-parameter"

#define NO_SOCKET(type, name, ...)  \
    LIBC type name(__VA_ARGS__) {   \
        return posix_fail(ENOSYS);  \
    }
NO_SOCKET(int, accept, int fd, struct sockaddr *restrict to, socklen_t *restrict size)
NO_SOCKET(int, accept4, int fd, struct sockaddr *restrict to, socklen_t *restrict size, int flags)
NO_SOCKET(int, getsockopt, int fd, int level, int name, void *restrict to, socklen_t *restrict size)
NO_SOCKET(int, setsockopt, int fd, int level, int name, const void *from, socklen_t size)
NO_SOCKET(ssize_t, recv, int fd, void *to, size_t size, int flags)
NO_SOCKET(ssize_t, send, int fd, const void *from, size_t size, int flags)
NO_SOCKET(ssize_t, recvfrom, int fd, void *to, size_t size, int flags, struct sockaddr *peer, socklen_t *peer_size)
NO_SOCKET(ssize_t, sendto, int fd, const void *from, size_t size, int flags, const struct sockaddr *peer, socklen_t peer_size)
NO_SOCKET(ssize_t, recvmsg, int fd, struct msghdr *message, int flags)
NO_SOCKET(ssize_t, sendmsg, int fd, const struct msghdr *message, int flags)
NO_SOCKET(int, shutdown, int fd, int how)
NO_SOCKET(int, socket, int family, int type, int protocol)
NO_SOCKET(int, socketpair, int family, int type, int protocol, int pair[2])
NO_SOCKET(int, connect, int fd, const struct sockaddr *peer, socklen_t size)
NO_SOCKET(int, bind, int fd, const struct sockaddr *own, socklen_t size)
NO_SOCKET(int, listen, int fd, int waiting)
NO_SOCKET(int, getsockname, int fd, struct sockaddr *own, socklen_t *size)
NO_SOCKET(int, getpeername, int fd, struct sockaddr *peer, socklen_t *size)

static const char *const NO_NETWORK = "There are no sockets here";

static int host_error;
LIBC int *__h_errno_location(void) { return &host_error; }
LIBC const char *hstrerror(int error) { return NO_NETWORK; }

LIBC struct hostent *gethostbyname(const char *name) {
    host_error = NO_RECOVERY;
    return NULL;
}
LIBC struct servent *getservbyname(const char *name, const char *protocol) { return NULL; }

LIBC int getaddrinfo(const char *restrict host, const char *restrict service, const struct addrinfo *restrict hints,
                     struct addrinfo **restrict found) {
    return EAI_FAIL;
}
LIBC void freeaddrinfo(struct addrinfo *found) {}
LIBC int getnameinfo(const struct sockaddr *restrict address, socklen_t size, char *restrict host, socklen_t host_size,
                     char *restrict service, socklen_t service_size, int flags) {
    return EAI_FAIL;
}
LIBC const char *gai_strerror(int error) { return NO_NETWORK; }

LIBC char *inet_ntoa(struct in_addr address) {
    static char text[INET_ADDRSTRLEN];
    return (char *)inet_ntop(AF_INET, &address, text, sizeof text);
}
