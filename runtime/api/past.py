"""Methods on the past of a VM's files; none wakes it: what they take and return."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.api.errors import ErrorCode
from runtime.api.files import Path
from runtime.api.forks import ForkPoint
from runtime.api.limits import MAX_SNAPSHOT_NAME
from runtime.api.method import Method
from runtime.api.sessions import NO_SUCH
from runtime.api.types import Millis, Timestamp, VmParams, doc

SnapshotName = Annotated[str, Meta(min_length=1, max_length=MAX_SNAPSHOT_NAME)]

FilesPoint = SnapshotName | ForkPoint
"""A snapshot's name, or an event of a session: the last snapshot of its turns at this event or before it."""

POINT: Final = (*NO_SUCH, ErrorCode.NOT_FOUND, ErrorCode.INVALID_ARGUMENT)


class TakeSnapshot(VmParams):
    """The VM, and the name of the snapshot, which is made up if none is given."""

    name: Annotated[SnapshotName | None, doc("The name of the snapshot; a fresh UUIDv7 when left out.")] = None


class ListSnapshots(VmParams):
    """The VM; and a session, for the snapshots that its turns have left behind instead of those with names."""

    session_id: Annotated[
        str | None, doc("The session whose turns' snapshots are meant instead of those with names.")
    ] = None


class DeleteSnapshot(VmParams):
    """Which snapshot."""

    name: Annotated[SnapshotName, doc("The name of the snapshot.")]


class Restore(VmParams):
    """What the files are to be again; and how patiently turns and processes are ended, as for `vm.sleep`."""

    to: Annotated[FilesPoint, doc("What the files are to be again: a snapshot's name, or an event of a session.")]
    grace_ms: Annotated[Millis | None, doc("How long to wait for turns and processes that run. Default: 30 s.")] = None
    force: Annotated[bool, doc("Cancel turns and kill processes that run instead of waiting for them.")] = False


class Diff(VmParams):
    """Two states of the files, `to` being the present one if it is left out; and the path below which they are compared."""

    from_: Annotated[FilesPoint, doc("The state to compare with: a snapshot's name, or an event of a session.")] = (
        msgspec.field(name="from")
    )
    to: Annotated[FilesPoint | None, doc("The state that is compared; the present one when left out.")] = None
    path: Annotated[Path, doc("Only what is at this path or below it.")] = "/"


class Snapshot(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """A state of the files that is kept: under a name, or as what a turn of a session has left behind."""

    created_at: Annotated[Timestamp, doc("When it was taken, in milliseconds since the epoch.")]
    name: Annotated[str | None, doc("The name under which it is kept.")] = None
    session_id: Annotated[str | None, doc("The session whose turn has left it behind.")] = None
    seq: Annotated[int | None, doc("The event after which it was taken.")] = None


class FileVersion(Struct, frozen=True, rename="camel", kw_only=True):
    """A file, directory or link at one time; `mode` is the permission bits alone."""

    type: Annotated[Literal["file", "directory", "symlink"], doc("`file`, `directory` or `symlink`.")]
    size: Annotated[int, doc("Bytes of the content.")]
    mode: Annotated[int, doc("The permission bits.")]
    mtime_ms: Annotated[float, doc("Last change of the content, in milliseconds since the epoch.")]


class FileChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A path that is not the same: `before` is left out for what was added, `after` for what was removed."""

    path: Annotated[str, doc("An absolute POSIX path inside the VM.")]
    change: Annotated[Literal["added", "removed", "modified"], doc("`added`, `removed` or `modified`.")]
    before: Annotated[FileVersion | None, doc("What was there; left out for what was added.")] = None
    after: Annotated[FileVersion | None, doc("What is there; left out for what was removed.")] = None


class FilesDiff(Struct, frozen=True, kw_only=True):
    """What is different, by path; and which snapshots were compared, `to` being null for the present."""

    from_: Annotated[Snapshot, doc("The snapshot that was compared with.")] = msgspec.field(name="from")
    to: Annotated[Snapshot | None, doc("The snapshot that was compared; null for the present state.")]
    changes: Annotated[list[FileChange], doc("What is different, by path.")]


SNAPSHOT: Final = Method(
    "snapshot",
    TakeSnapshot,
    Snapshot,
    "Keep the VM's files as they are now, under a name; costs what changes afterwards.",
    errors=(
        ErrorCode.VM_NOT_FOUND,
        ErrorCode.EXISTS,
        ErrorCode.LIMIT_EXCEEDED,
    ),
)

LIST_SNAPSHOTS: Final = Method(
    "listSnapshots",
    ListSnapshots,
    list[Snapshot],
    "List the snapshots with names, or those of a session's turns, oldest first.",
    errors=NO_SUCH,
    returns="One row a snapshot, oldest first.",
)

DELETE_SNAPSHOT: Final = Method(
    "deleteSnapshot",
    DeleteSnapshot,
    dict[str, Any],
    "Delete a snapshot, with what only it has kept.",
    errors=(
        ErrorCode.VM_NOT_FOUND,
        ErrorCode.NOT_FOUND,
    ),
)

RESTORE: Final = Method(
    "restore",
    Restore,
    Snapshot,
    "Put the VM to sleep and make its files what they were; sessions keep their transcripts.",
    errors=(
        *POINT,
        ErrorCode.BUSY,
    ),
)

DIFF: Final = Method(
    "diff",
    Diff,
    FilesDiff,
    "Tell what is different in the files between two states, or between one and now.",
    errors=(
        *POINT,
        ErrorCode.LIMIT_EXCEEDED,
    ),
)
