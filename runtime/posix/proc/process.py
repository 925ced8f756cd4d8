"""/proc/PID: a process, as long as there is one of that number."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from runtime.posix.arguments import MAX_BYTES
from runtime.posix.numbers import FIRST_FD, INODES
from runtime.posix.proc import fields
from runtime.posix.proc.descriptors import Descriptors
from runtime.posix.proc.listing import listed
from runtime.posix.proc.looking import check_access
from wasi_fs import FsCode, FsError
from wasi_fs.proc import MadeFile, MadeLink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runtime.posix.proc.listing import Listed
    from runtime.posix.proc.machine import MachineFacts
    from runtime.posix.process import Kernel, PosixProcess
    from wasi_fs.proc.entries import Made


class ProcessDirectory:
    """The directory; as `MadeDirectory`. It keeps the number alone, so that what somebody has open keeps no process."""

    mode: Final = 0o555

    def __init__(self, kernel: Kernel, facts: MachineFacts, pid: int) -> None:
        self._kernel = kernel
        self._facts = facts
        self._pid = pid
        self.number: Final = (1 + pid) * INODES

    def open(self) -> None:
        """Anybody may."""

    def entries(self) -> Iterable[Listed]:
        """See MadeDirectory. FsError(NO_ENTRY)."""
        self._process()
        return [listed(name, self._make(name)) for name in _NAMES]

    def find(self, name: str) -> Made | None:
        """See MadeDirectory. FsError(NO_ENTRY)."""
        self._process()
        return self._make(name) if name in _NAMES else None

    def _process(self) -> PosixProcess:
        process = self._kernel.processes.get(self._pid)
        if process is None:
            raise FsError(FsCode.NO_ENTRY, f"process {self._pid}")
        return process

    def _own(self) -> PosixProcess:
        process = self._process()
        check_access(process)
        return process

    def _make(self, name: str) -> Made:
        number = self.number + 1 + _NAMES.index(name)
        match name:
            case "fd":
                return Descriptors(self._process, self.number + FIRST_FD)
            case "cwd":
                return MadeLink(number, self._cwd)
            case "exe":
                return MadeLink(number, self._exe)
            case "root":
                return MadeLink(number, self._root)
            case "cmdline":
                return MadeFile(number, self._cmdline, steady=True)
            case "environ":
                return MadeFile(number, self._environ, steady=True, mode=0o400)
            case "mounts":
                return MadeFile(number, self._facts.mounts)
            case _:
                return MadeFile(number, partial(self._fields, _FIELDS[name]))

    def _fields(self, text: Callable[[PosixProcess, int], bytes]) -> bytes:
        return text(self._process(), self._facts.began)

    def _cmdline(self) -> bytes:
        process = self._process()
        return b"" if process.status is not None else process.arguments.arguments[:MAX_BYTES]

    def _environ(self) -> bytes:
        process = self._own()
        return b"" if process.status is not None else process.arguments.environment[:MAX_BYTES]

    def _cwd(self) -> str:
        process = self._own()
        if process.status is not None:
            raise FsError(FsCode.NO_ENTRY, "the process has ended")
        return self._kernel.filesystem.path_of(process.cwd.node)

    def _exe(self) -> str:
        path = self._own().path
        if not path:
            raise FsError(FsCode.NO_ENTRY, "the program is no file of the VM")
        return path

    def _root(self) -> str:
        self._own()
        return "/"


_FIELDS: Final[dict[str, Callable[[PosixProcess, int], bytes]]] = {
    "comm": lambda process, _began: fields.comm(process) + b"\n",
    "stat": fields.stat,
    "statm": lambda process, _began: fields.statm(process),
    "status": lambda process, _began: fields.status(process),
}
_NAMES: Final = ("cmdline", "cwd", "environ", "exe", "fd", "mounts", "root", *_FIELDS)
