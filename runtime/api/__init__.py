"""The vocabulary of the session API, for all who speak it: the daemon from the socket down, the clients, the command.

    names       what VMs and sessions may be called, and how the name of a VM travels
    defaults    what holds where a client says nothing, and the version of the API
    types       types that params and results share
    content     bytes as they travel
    errors      error codes, what each means, and the exception that carries one
    endpoint    where the daemon is: its socket, and who may have made the directory of it

Imports the standard library and msgspec, and nothing of `runtime`; `names`, `defaults`, `errors` and `endpoint` the standard
library alone, since client commands start with them.
"""
