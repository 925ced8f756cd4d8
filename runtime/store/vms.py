"""VMs as rows: a name, options, a state, and the layer that the VM writes its files to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
import msgspec

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.sql import json_text, rows, run
from wasi_fs.backend import ROOT_INO

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from runtime.store.reading import Reader
    from runtime.store.writer import Then, Writer

VmState = Literal["awake", "asleep"]

MAX_VMS: Final = 10_000
"""VMs of one state file: each is a row with a layer, and an answer of `vm.list`; many times what one machine serves."""

STAGED: Final = "!import/"
"""How the names begin of VMs that are being imported: no client can say such a name, and `list` leaves them out."""

_COLUMNS: Final = "id, name, options, state, created_at, updated_at, layer"


@attrs.frozen
class VmRecord:
    """One row of the table of VMs."""

    row: int
    """The row id, by which the other repositories know the VM."""
    name: str
    options: dict[str, Any]
    """`options` of the API, labels and mounts included, as they were given."""
    state: VmState
    """As it was last set: a crash leaves "awake" behind."""
    created_at: int
    """Epoch milliseconds."""
    updated_at: int
    layer: int
    """The filesystem layer that the VM writes to (see `FileTrees.backend`)."""


class Vms:
    """The VMs of the file. A name is one string: the caller joins those that are lists."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    def get(self, name: str) -> VmRecord | None:
        """The VM of that name, None if there is none."""
        row = self._reader.one(f"SELECT {_COLUMNS} FROM vm WHERE name = ?", (name,))  # noqa: S608
        return None if row is None else _record(row)

    def find(self, name: str) -> VmRecord:
        """As `get`. Raises `ApiError` VM_NOT_FOUND."""
        record = self.get(name)
        if record is None:
            raise ApiError(ErrorCode.VM_NOT_FOUND, f"there is no VM {name!r}; vm.getOrCreate makes one", vm=name)
        return record

    def list(self) -> Sequence[VmRecord]:
        """All VMs, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM vm WHERE substr (name, 1, ?) <> ? ORDER BY id"  # noqa: S608
        return [_record(row) for row in self._reader.all(sql, (len(STAGED), STAGED))]

    def count(self) -> int:
        """How many VMs there are, with those that are being imported."""
        ((count,),) = self._reader.all("SELECT count(*) FROM vm")
        return int(count)

    def page(self, after: int, limit: int) -> Sequence[VmRecord]:
        """The first `limit` VMs whose row ids come after `after`, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM vm WHERE id > ? AND substr (name, 1, ?) <> ? ORDER BY id LIMIT ?"  # noqa: S608
        return [_record(row) for row in self._reader.all(sql, (after, len(STAGED), STAGED, limit))]

    async def get_or_create(
        self, name: str, options: dict[str, Any], created_at: int, *, parent_layer: int | None = None
    ) -> tuple[VmRecord, bool]:
        """The VM of that name, and whether this call created it.

        A new VM is asleep; its tree is empty or, for a fork, that of the frozen layer `parent_layer`. An existing VM is
        returned as it is, even if its options differ. A cancelled wait may leave a new VM behind.
        """
        text = json_text(options)

        def write(connection: apsw.Connection) -> tuple[VmRecord, bool]:
            existing = rows(connection, f"SELECT {_COLUMNS} FROM vm WHERE name = ?", (name,))  # noqa: S608
            if existing:
                return _record(existing[0]), False
            return add_vm(connection, name, text, created_at, parent_layer), True

        return await self._writer.commit(write)

    def set_options(self, vm: int, options: dict[str, Any], updated_at: int, then: Then | None = None) -> None:
        """Submit new options, in place of all the old ones."""
        self._update(vm, "options", json_text(options), updated_at, then)

    def set_state(self, vm: int, state: VmState, updated_at: int, then: Then | None = None) -> None:
        """Submit a new state."""
        self._update(vm, "state", state, updated_at, then)

    async def delete(self, vm: int) -> None:
        """Delete the VM with its sessions, events, snapshots and cron jobs, if it exists.

        Its files become garbage (see `Store.collect_garbage`), except for the parts that forks share. A cancelled wait leaves
        the deletion submitted.
        """
        await self._writer.commit(lambda connection: run(connection, "DELETE FROM vm WHERE id = ?", vm))

    def _update(self, vm: int, column: str, value: str, updated_at: int, then: Then | None) -> None:
        sql = f"UPDATE vm SET {column} = ?, updated_at = ? WHERE id = ?"  # noqa: S608
        self._writer.submit(lambda connection: run(connection, sql, value, updated_at, vm), then, size=len(value))


def add_vm(connection: apsw.Connection, name: str, options: str, created_at: int, parent_layer: int | None) -> VmRecord:
    """Add a new VM, asleep, on a frozen layer or an empty tree; for use inside a write.

    Raises `ApiError` LIMIT_EXCEEDED.
    """
    check_room(connection)
    layer = _new_layer(connection, parent_layer)
    connection.execute(
        "INSERT INTO vm (name, options, state, created_at, updated_at, layer) VALUES (?, ?, 'asleep', ?, ?, ?)",
        (name, options, created_at, created_at, layer),
    )
    row = connection.last_insert_rowid()
    return VmRecord(row, name, msgspec.json.decode(options), "asleep", created_at, created_at, layer)


def check_room(connection: apsw.Connection) -> None:
    """Raise `ApiError` LIMIT_EXCEEDED if there are as many VMs as there may be."""
    ((count,),) = rows(connection, "SELECT count(*) FROM vm")
    if count >= MAX_VMS:
        message = f"there are {count} VMs, as many as a daemon serves: destroy some (vm.destroy)"
        raise ApiError(ErrorCode.LIMIT_EXCEEDED, message, limit="vms", used=count, allowed=MAX_VMS)


def _record(row: tuple[Any, ...]) -> VmRecord:
    number, name, options, state, created_at, updated_at, layer = row
    return VmRecord(number, name, msgspec.json.decode(options), state, created_at, updated_at, layer)


def _new_layer(connection: apsw.Connection, parent: int | None) -> int:
    if parent is None:
        connection.execute(
            "INSERT INTO layer (parent, next_ino, bytes, entries) VALUES (NULL, ?, 0, 0)", (ROOT_INO + 1,)
        )
    else:
        connection.execute(
            "INSERT INTO layer (parent, next_ino, bytes, entries) "
            "SELECT id, next_ino, bytes, entries FROM layer WHERE id = ? AND frozen",
            (parent,),
        )
        if connection.changes() == 0:
            raise ApiError(ErrorCode.NOT_FOUND, f"the state file has no frozen filesystem layer {parent}")
    return connection.last_insert_rowid()
