"""What is served: every method of the API with its handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.api.methods import DISCOVER, METHODS
from runtime.api.openrpc import openrpc_document
from runtime.rpc import (
    api_agents,
    api_base,
    api_daemon,
    api_file_serving,
    api_files,
    api_forks,
    api_many_files,
    api_options,
    api_past,
    api_processes,
    api_sessions,
    api_shells,
    api_turns,
    api_vms,
)
from runtime.rpc.methods import HANDLERS, Call, Served, handles

if TYPE_CHECKING:
    from runtime.api.types import NoParams

MODULES: Final = (
    *(api_daemon, api_vms, api_sessions, api_turns, api_forks, api_options),
    *(api_files, api_many_files, api_file_serving, api_past, api_processes, api_shells, api_agents, api_base),
)
"""Imported for their handlers."""


@handles(DISCOVER)
async def _discover(call: Call, _params: NoParams) -> Any:
    return openrpc_document(call.service.version)


SERVED: Final[dict[str, Served]] = {name: HANDLERS[name] for name in METHODS}
