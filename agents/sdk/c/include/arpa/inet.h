/* What wasi-libc's <arpa/inet.h> leaves out. */
#include_next <arpa/inet.h>
#ifndef TORPOR_ARPA_INET_H
#define TORPOR_ARPA_INET_H

#ifdef __cplusplus
extern "C" {
#endif

char *inet_ntoa(struct in_addr);

#ifdef __cplusplus
}
#endif
#endif
