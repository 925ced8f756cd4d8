"""WASI 0.2 on the host: one module per package of interfaces. A function of WASI is a function of Python, in one place.

    host           all of it as one engine
    state          what one guest sees of the world: every function gets it as its first argument
    streams        sources, pollables and byte streams

    io             wasi:io, their WIT face
    cli            wasi:cli: environment, exit, standard streams, terminals
    clocks         wasi:clocks
    random         wasi:random
    sockets        wasi:sockets, which are denied
    filesystem/    wasi:filesystem, the WIT face of the package `wasi_fs`
    http           wasi:http, whose parts are
    http_types     the functions of wasi:http/types
    http_handler   that of wasi:http/outgoing-handler
    http_messages  requests, answers and the exchange that connects them
    http_bodies    bodies between a guest and the network
    http_fields    headers and trailers

    wit_types      the WIT types of all interfaces (made by build/wasi_types.py)

An interface is a `HostInterface`; its functions are registered by decorator under their WIT names, and a module's `INTERFACES`
says which it has. A function that cannot answer at once returns a `Wait`.
"""
