"""`torpor inspect`: a page about a daemon, for one browser after another, on loopback.

    server  HTTP: who gets what
    door    who is let in: an address that works once, then a cookie
    owner   whose program a connection is from
    files   the page's files, as clients/inspect is built to
    bridge  messages between the page's WebSocket and the daemon's Unix socket

It is a process of its own: the daemon gets no other listener, and takes the page for any other client of its user.
"""
