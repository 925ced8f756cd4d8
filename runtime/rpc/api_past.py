"""The methods on the past of a VM's files; none wakes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api import past
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.forks import ForkPoint
    from runtime.api.past import DeleteSnapshot, Diff, ListSnapshots, Restore, TakeSnapshot


@handles(past.SNAPSHOT)
async def _snapshot(call: Call, params: TakeSnapshot) -> Any:
    return await (await call.host.past(params.vm_name)).snapshot(params.name)


@handles(past.LIST_SNAPSHOTS)
async def _list_snapshots(call: Call, params: ListSnapshots) -> Any:
    return (await call.host.past(params.vm_name)).snapshots(params.session_id)


@handles(past.DELETE_SNAPSHOT)
async def _delete_snapshot(call: Call, params: DeleteSnapshot) -> Any:
    await (await call.host.past(params.vm_name)).delete(params.name)
    return {}


@handles(past.RESTORE)
async def _restore(call: Call, params: Restore) -> Any:
    past = await call.host.past(params.vm_name)
    return await past.restore(_point(params.to), params.grace_ms, params.force)


@handles(past.DIFF)
async def _diff(call: Call, params: Diff) -> Any:
    past = await call.host.past(params.vm_name)
    return await past.diff(_point(params.from_), None if params.to is None else _point(params.to), params.path)


def _point(given: str | ForkPoint) -> str | tuple[str, int]:
    return given if isinstance(given, str) else (given.session_id, given.seq)
