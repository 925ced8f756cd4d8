"""The methods on the past of a VM's files; none wakes it. Translation only; `runtime.vms.past` does the work."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.api.errors import ErrorCode
from runtime.api.types import Millis, Timestamp, VmParams
from runtime.rpc.api_files import Path  # noqa: TC001 - msgspec looks it up
from runtime.rpc.api_forks import ForkPoint
from runtime.rpc.api_sessions import NO_SUCH
from runtime.rpc.methods import Call, MethodTable

METHODS: Final = MethodTable()

SnapshotName = Annotated[str, Meta(min_length=1, max_length=256)]
FilesPoint = SnapshotName | ForkPoint
"""A snapshot's name, or an event of a session: the last snapshot of its turns at this event or before it."""

POINT: Final = (*NO_SUCH, ErrorCode.NOT_FOUND, ErrorCode.INVALID_ARGUMENT)


class TakeSnapshot(VmParams):
    """The VM, and the name of the snapshot, which is made up if none is given."""

    name: SnapshotName | None = None


class ListSnapshots(VmParams):
    """The VM; and a session, for the snapshots that its turns have left behind instead of those with names."""

    session_id: str | None = None


class DeleteSnapshot(VmParams):
    """Which snapshot."""

    name: SnapshotName


class Restore(VmParams):
    """What the files are to be again; and how patiently turns and processes are ended, as for `vm.sleep`."""

    to: FilesPoint
    grace_ms: Millis | None = None
    force: bool = False


class Diff(VmParams):
    """Two states of the files, `to` being the present one if it is left out; and the path below which they are compared."""

    from_: FilesPoint = msgspec.field(name="from")
    to: FilesPoint | None = None
    path: Path = "/"


class Snapshot(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A state of the files that is kept: under a name, or as what a turn of a session has left behind."""

    created_at: Timestamp
    name: str | None = None
    session_id: str | None = None
    seq: int | None = None


class FileVersion(Struct, rename="camel", kw_only=True):
    """A file, directory or link at one time; `mode` is the permission bits alone."""

    type: Literal["file", "directory", "symlink"]
    size: int
    mode: int
    mtime_ms: float


class FileChange(Struct, kw_only=True, omit_defaults=True):
    """A path that is not the same: `before` is left out for what was added, `after` for what was removed."""

    path: str
    change: Literal["added", "removed", "modified"]
    before: FileVersion | None = None
    after: FileVersion | None = None


class FilesDiff(Struct, kw_only=True):
    """What is different, by path; and which snapshots were compared, `to` being null for the present."""

    from_: Snapshot = msgspec.field(name="from")
    to: Snapshot | None
    changes: list[FileChange]


@METHODS.method(
    "snapshot",
    TakeSnapshot,
    Snapshot,
    "Keep the VM's files as they are now, under a name; costs what changes afterwards.",
    ErrorCode.VM_NOT_FOUND,
    ErrorCode.EXISTS,
    ErrorCode.LIMIT_EXCEEDED,
)
async def _snapshot(call: Call, params: TakeSnapshot) -> Any:
    return await (await call.host.past(params.vm_name)).snapshot(params.name)


@METHODS.method(
    "listSnapshots",
    ListSnapshots,
    list[Snapshot],
    "List the snapshots with names, or those of a session's turns, oldest first.",
    *NO_SUCH,
)
async def _list_snapshots(call: Call, params: ListSnapshots) -> Any:
    return (await call.host.past(params.vm_name)).snapshots(params.session_id)


@METHODS.method(
    "deleteSnapshot",
    DeleteSnapshot,
    dict[str, Any],
    "Delete a snapshot, with what only it has kept.",
    ErrorCode.VM_NOT_FOUND,
    ErrorCode.NOT_FOUND,
)
async def _delete_snapshot(call: Call, params: DeleteSnapshot) -> Any:
    await (await call.host.past(params.vm_name)).delete(params.name)
    return {}


@METHODS.method(
    "restore",
    Restore,
    Snapshot,
    "Put the VM to sleep and make its files what they were; sessions keep their transcripts.",
    *POINT,
    ErrorCode.BUSY,
)
async def _restore(call: Call, params: Restore) -> Any:
    past = await call.host.past(params.vm_name)
    return await past.restore(_point(params.to), params.grace_ms, params.force)


@METHODS.method(
    "diff",
    Diff,
    FilesDiff,
    "Tell what is different in the files between two states, or between one and now.",
    *POINT,
    ErrorCode.LIMIT_EXCEEDED,
)
async def _diff(call: Call, params: Diff) -> Any:
    past = await call.host.past(params.vm_name)
    return await past.diff(_point(params.from_), None if params.to is None else _point(params.to), params.path)


def _point(given: str | ForkPoint) -> str | tuple[str, int]:
    return given if isinstance(given, str) else (given.session_id, given.seq)
