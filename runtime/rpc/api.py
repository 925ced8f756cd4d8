"""The one table of methods: what is served, checked and documented."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from runtime.api.types import NoParams
from runtime.rpc import (
    api_daemon,
    api_files,
    api_forks,
    api_many_files,
    api_options,
    api_past,
    api_processes,
    api_sessions,
    api_turns,
    api_vms,
)
from runtime.rpc.methods import Call, MethodTable
from runtime.rpc.openrpc import document

METHODS: Final = MethodTable()

_TABLES: Final = (
    *(api_daemon, api_vms, api_sessions, api_turns, api_forks, api_options),
    *(api_files, api_many_files, api_past, api_processes),
)
for _table in _TABLES:
    for _entry in _table.METHODS:
        METHODS.add(_entry)


@METHODS.method("rpc.discover", NoParams, dict[str, Any], "Return this API as an OpenRPC document.")
async def _discover(call: Call, _params: NoParams) -> Any:
    return openrpc_document(call.server.version)


@cache
def openrpc_document(version: str) -> dict[str, Any]:
    """Return the OpenRPC document of `METHODS`; not to be changed."""
    return document(METHODS, version)
