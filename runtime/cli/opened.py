"""`open`: the VMs of a state or export file, read only, by the commands that read those of a daemon.

A thread serves the methods that read, from the file, to the client of the command. A daemon that has the file goes on with it.
"""

from __future__ import annotations

import queue
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.api.errors import APPLICATION_ERROR, ApiError, ErrorCode
from runtime.client.errors import RpcError
from runtime.client.sync import Client
from runtime.rpc.api import SERVED
from runtime.rpc.connection import Connection
from runtime.rpc.methods import Call, Served
from runtime.rpc.service import Service
from runtime.rpc.transport import LineTransport
from runtime.store.viewing import view_store
from runtime.vms.catalogue import Catalogue, built_in_directory, user_directories
from runtime.vms.viewing import ViewedHost

if TYPE_CHECKING:
    from collections.abc import Mapping

READING: Final = frozenset(
    {
        *("hello", "rpc.discover", "vm.list", "vm.get", "vm.stats"),
        *("listPersistedSessions", "listSessions", "getSession", "getSessionEvents", "getModes", "getConfigOptions"),
        *("readFile", "readFiles", "readdir", "readdirEntries", "readdirRecursive", "stat", "exists", "readlink"),
        *("listSnapshots", "diff", "listProcesses", "listAgents"),
    }
)
"""The methods that read, and need no agent."""


async def _refused(_call: Call, _params: Any) -> Any:
    raise ApiError(ErrorCode.READ_ONLY, "the file is open for reading only, and this would change something")


TABLE: Final[Mapping[str, Served]] = {
    name: served if name in READING else Served(served.method, _refused) for name, served in SERVED.items()
}


def open_file(path: str) -> Client:
    """Return a client of the file's VMs. Raises RpcError for a file that cannot be read."""
    ours, theirs = socket.socketpair()
    told: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    threading.Thread(target=trio.run, args=(_serve, Path(path).absolute(), theirs, told), daemon=True).start()
    failure = told.get()
    if failure is None:
        return Client(ours)
    ours.close()
    if isinstance(failure, ApiError):
        raise RpcError(APPLICATION_ERROR, failure.message, failure.to_data()) from failure
    raise failure


async def _serve(path: Path, theirs: socket.socket, told: queue.SimpleQueue[BaseException | None]) -> None:
    begun = False
    try:
        with view_store(path) as store:
            async with trio.open_nursery() as nursery:
                host = ViewedHost(store, Catalogue(built_in_directory(), user_directories()), nursery)
                stream = trio.SocketStream(trio.socket.from_stdlib_socket(theirs))
                begun = True
                told.put(None)
                await Connection(LineTransport(stream), Service(host, path), TABLE).run()
                nursery.cancel_scope.cancel()
    except BaseException as error:
        if begun:
            raise
        theirs.close()
        told.put(error)
