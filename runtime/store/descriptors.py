"""An SQLite file by its descriptor: one that has no name yet, which SQLite cannot open by any (it follows no link in /proc)."""

from __future__ import annotations

import os
from typing import Final

import apsw


class _File:
    """The methods of `apsw.VFSFile` over a descriptor, which is not closed. Nobody else has the file: nothing is locked."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - this and all below are SQLite's names
        return os.pread(self._descriptor, amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        while data:
            written = os.pwrite(self._descriptor, data, offset)
            data, offset = data[written:], offset + written

    def xTruncate(self, size: int) -> None:  # noqa: N802
        os.ftruncate(self._descriptor, size)

    def xFileSize(self) -> int:  # noqa: N802
        return os.fstat(self._descriptor).st_size

    def xSync(self, _flags: int) -> None:  # noqa: N802 - the owner of the descriptor does that
        pass

    def xClose(self) -> None:  # noqa: N802
        pass

    def xLock(self, _level: int) -> None:  # noqa: N802
        pass

    def xUnlock(self, _level: int) -> None:  # noqa: N802
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, _op: int, _pointer: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096  # no write that is smaller

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return 0


class _Descriptors(apsw.VFS):
    """A file's name is the number of its descriptor; there are no other files, such as a journal."""

    NAME: Final = "torpor-descriptor"

    def __init__(self) -> None:
        super().__init__(self.NAME, "")

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name

    def xAccess(self, _path: str, _flags: int) -> bool:  # noqa: N802
        return False

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> _File:  # type: ignore[override] # noqa: N802
        flags[1] = flags[0]
        return _File(int(name.filename() if isinstance(name, apsw.URIFilename) else str(name)))


_VFS: Final = _Descriptors()


def open_descriptor(descriptor: int) -> apsw.Connection:
    """A connection that writes a new file, without a journal; the descriptor must stay open as long as it is."""
    connection = apsw.Connection(str(descriptor), flags=apsw.SQLITE_OPEN_READWRITE, vfs=_VFS.NAME)
    connection.pragma("journal_mode", "off")  # first; nobody sees the file before it is whole
    connection.pragma("auto_vacuum", "incremental")
    connection.pragma("temp_store", "memory")
    return connection
