/* git's remotes over HTTP: what the files of git-remote-http share. */
#ifndef GIT_H
#define GIT_H

#include "net.h"

struct remote {
    char *url; /* without a user, and as redirects have made it */
    char *asked; /* as git or a redirect to another host gave it */
    char *credentials; /* the value of an authorization header; NULL for none */
    struct headers extra; /* http.extraHeader */
    bool follows; /* redirects of the first request */
    int verbosity;
};

/* Ends the helper with a message. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* git_auth.c */
/* Takes a URL for the remote's, with what git's configuration says of it. What was said to another one, credentials above all, is not for it. */
void aim(struct remote *remote, char *asked);
char *without_user(const char *url);
/* Asks git's helpers for credentials; false where they have none. */
bool ask_for_credentials(struct remote *remote, struct torpor_http *answer);
void approve_credentials(struct remote *remote);
void reject_credentials(struct remote *remote);

/* A child with pipes at its stdin and stdout. */
struct child { int pid, in, out; };
bool start_child(struct child *child, char **words);
int wait_for_child(struct child *child);

/* git_requests.c */
/* What a service says of itself and its refs; `version` is the protocol's that is asked for. */
struct text discover(struct remote *remote, const char *service, int version);
/* Sends a body that comes as pkt-lines from a descriptor, up to the first flush, and copies the answer to another one. With `framed` the
   lines are sent as they are, else what is in them. False where there was nothing any more. */
bool post(struct remote *remote, const char *service, int version, int from, bool framed, int to);

#endif
