"""The past of a VM's files: snapshots with names and of turns, the differences between two of them, and restoring one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.forks import estranged, snapshot_at
from runtime.sessions.options.options import new_session_id
from runtime.sessions.queries import find
from runtime.store.diffs import compare, current_layer
from runtime.vms.results import MAX_ANSWER_BYTES, TYPES, telling_errors
from wasi_fs.values import check_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    import apsw

    from runtime.store.diffs import Difference
    from runtime.store.snapshots import SnapshotRecord
    from runtime.store.store import Store
    from runtime.store.vms import VmRecord
    from runtime.vms.volume import Volume
    from wasi_fs import InodeRecord

Point = str | tuple[str, int]
"""A snapshot's name, or a session's id with the seq of an event: the last snapshot of that session at the event or before."""

MAX_CHANGES: Final = 50_000
"""Changes that one `diff` answers: some 15 MB of JSON."""


class History:
    """Of one VM. Only `restore` puts it to sleep, and nothing wakes it."""

    def __init__(
        self,
        store: Store,
        record: VmRecord,
        volume: Volume,
        asleep: Callable[[int | None, bool], AbstractAsyncContextManager[VmRecord]],
    ) -> None:
        self._store = store
        self._vm = record
        self._volume = volume
        self._asleep = asleep

    async def snapshot(self, name: str | None) -> dict[str, Any]:
        """`snapshot`: of everything that was written so far. ApiError EXISTS, LIMIT_EXCEEDED."""
        name = name or new_session_id()
        await self._volume.snapshot_as(name)
        return self._described(self._find(name))

    def snapshots(self, session_id: str | None) -> Sequence[dict[str, Any]]:
        """`listSnapshots`: the ones with names, or with `session_id` those of a session's turns; oldest first."""
        snapshots = self._store.snapshots.list(self._vm.row)
        if session_id is None:
            return [self._described(each) for each in snapshots if each.label is not None]
        session = find(self._store, self._vm.name, session_id)
        return [
            {"sessionId": session_id, "seq": each.seq, "createdAt": each.created_at}
            for each in snapshots
            if each.session == session.row
        ]

    async def delete(self, name: str) -> None:
        """`deleteSnapshot`. ApiError NOT_FOUND."""
        self._store.snapshots.delete(self._find(name).row)
        await self._store.writer.barrier()
        await self._store.collect_garbage()

    async def restore(self, to: Point, grace_ms: int | None, force: bool) -> dict[str, Any]:
        """`restore`: afterwards the VM sleeps, and its files are those of the snapshot.

        An agent whose conversation went on after the snapshot is not asked to load it: it gets the transcript to read.
        """
        self._find(to)  # before anything is put to sleep
        async with self._asleep(grace_ms, force):
            snapshot = self._find(to)
            await self._volume.restore(snapshot.layer, await estranged(self._store, snapshot))
        await self._store.collect_garbage()
        return self._described(snapshot)

    async def diff(self, from_: Point, to: Point | None, path: str) -> dict[str, Any]:
        """`diff`: how the files at `to` (None: now) differ from those at `from_`. ApiError LIMIT_EXCEEDED, TOO_LARGE."""
        with telling_errors(path):
            check_path(path)
        if {"..", "."} & set(path.split("/")):
            raise ApiError(ErrorCode.INVALID_ARGUMENT, f"{path!r} has . or .. in it", path=path)
        before = self._find(from_)
        after = None if to is None else self._find(to)
        if after is None:
            await self._volume.flush()
        query = partial(self._compare, before.layer, None if after is None else after.layer, path)
        changes = await self._store.reader.run(query, walk=True)
        return {
            "from": self._described(before),
            "to": None if after is None else self._described(after),
            "changes": changes,
        }

    def _compare(self, before: int, after: int | None, path: str, connection: apsw.Connection) -> list[dict[str, Any]]:
        if after is None:
            after = current_layer(connection, self._vm.row)
        return [_change(each) for each in compare(connection, before, after, path, MAX_CHANGES, MAX_ANSWER_BYTES)]

    def _find(self, point: Point) -> SnapshotRecord:
        if not isinstance(point, str):
            session_id, seq = point
            return snapshot_at(self._store, find(self._store, self._vm.name, session_id), seq)
        snapshot = self._store.snapshots.named(self._vm.row, point)
        if snapshot is None:
            raise ApiError(ErrorCode.NOT_FOUND, f"there is no snapshot {point!r}", name=point)
        return snapshot

    def _described(self, snapshot: SnapshotRecord) -> dict[str, Any]:
        described: dict[str, Any] = {"createdAt": snapshot.created_at}
        if snapshot.label is not None:
            return {"name": snapshot.label, **described}
        ids = {each.row: each.session_id for each in self._store.sessions.list(self._vm.row)}
        return {"sessionId": ids.get(snapshot.session or 0), "seq": snapshot.seq, **described}


def _change(difference: Difference) -> dict[str, Any]:
    change: dict[str, Any] = {"path": difference.path, "change": difference.change}
    if difference.before is not None:
        change["before"] = _version(difference.before)
    if difference.after is not None:
        change["after"] = _version(difference.after)
    return change


def _version(record: InodeRecord) -> dict[str, Any]:
    return {
        "type": TYPES[record.type],
        "size": record.size,
        "mode": record.mode,
        "mtimeMs": record.mtime / 1e6,
    }
