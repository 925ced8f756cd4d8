"""WASI 0.2 on the host: one module per package of interfaces. A function of WASI is a function of Python, in one place.

    cli, clocks, random, sockets   wasi:cli, wasi:clocks, wasi:random, wasi:sockets
    io           wasi:io, the WIT face of
    streams      sources, pollables and byte streams
    filesystem/  wasi:filesystem, the WIT face of the package `wasi_fs`
    http         wasi:http: http_types, http_handler, http_messages, http_bodies, http_fields
    state        what one guest sees of the world: every function gets it as its first argument
    host         all of it as one engine
    wit_types    the WIT types of all interfaces (made by build/wasi_types.py)

An interface is a `HostInterface`; its functions are registered by decorator under their WIT names, and a module's `INTERFACES`
says which it has. A function that cannot answer at once returns a `Wait`.
"""
