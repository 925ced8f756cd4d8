"""The methods that make forks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api import forks, names
from runtime.api.names import with_vm_as_given
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.forks import ForkSession, VmFork


@handles(forks.FORK)
async def _fork(call: Call, params: VmFork) -> Any:
    at = None if params.at is None else (params.at.session_id, params.at.seq)
    return with_vm_as_given(await call.host.fork(params.vm_name, names.joined(params.to), at))


@handles(forks.FORK_SESSION)
async def _fork_session(call: Call, params: ForkSession) -> Any:
    to = None if params.to is None else names.joined(params.to)
    return with_vm_as_given(await call.host.fork_session(params.vm_name, params.session_id, params.at, to))
