"""The daemon as a process.

    settings    how it is to run, and how it ended
    main        store, engine, host and socket, put together and taken apart in order
    idle        when nobody needs it any more
    logs        its log, which holds no contents
    supervisor  the process that starts it again when it dies
    systemd     sockets that it is started with, and signs of life

`supervisor` and `systemd` need the standard library alone: they run before anything else is loaded.
"""
