"""The daemon as a process.

    settings    how it is to run, and how it ended
    main        store, engine, host and socket, put together and taken apart in order
    idle        when nobody needs it any more
    collector   the garbage collector, so that nobody waits for it
    places      where its files lie
    logs        its log, which holds no contents
    supervisor  the process that starts it again when it dies
    systemd     sockets that it is started with, and signs of life

`places`, `supervisor` and `systemd` need the standard library alone: they are for commands, and for before anything else is
loaded.
"""
