"""The vocabulary of the session API, for all who speak it: the daemon from the socket down, the clients, the command.

    endpoint    where the daemon is: its socket, and who may have made the directory of it
    errors      error codes, what each means, and the exception that carries one

Imports the standard library and msgspec, and nothing of `runtime`.
"""
