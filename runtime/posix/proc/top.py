"""/proc itself: files of the machine, a directory for each process, and a link to that of who looks."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Final

from runtime.posix.numbers import LAST_PID
from runtime.posix.proc.listing import Fixed, listed
from runtime.posix.proc.looking import looker
from runtime.posix.proc.machine import OS_RELEASE, OS_TYPE
from runtime.posix.proc.process import ProcessDirectory
from wasi_fs import FileType
from wasi_fs.proc import MadeFile, MadeLink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime.posix.proc.listing import Listed
    from runtime.posix.proc.machine import MachineFacts
    from runtime.posix.process import Kernel
    from wasi_fs.proc.entries import Made

_SELF: Final = "self"
_PID: Final = re.compile(r"[1-9][0-9]{0,9}")


class Top:
    """The directory; as `MadeDirectory`."""

    number: Final = 0
    mode: Final = 0o555

    def __init__(self, kernel: Kernel, facts: MachineFacts) -> None:
        self._kernel = kernel
        self._facts = facts
        numbers = count(1)
        self._self_number = next(numbers)
        self._files: dict[str, Made] = {
            "cpuinfo": MadeFile(next(numbers), facts.cpuinfo),
            "filesystems": MadeFile(next(numbers), facts.filesystems),
            "fs": _space(facts, numbers),
            "loadavg": MadeFile(next(numbers), facts.loadavg),
            "meminfo": MadeFile(next(numbers), facts.meminfo),
            "mounts": MadeFile(next(numbers), facts.mounts),
            "stat": MadeFile(next(numbers), facts.stat),
            "sys": _settings(facts, numbers),
            "uptime": MadeFile(next(numbers), facts.uptime),
            "version": MadeFile(next(numbers), facts.version),
        }

    def open(self) -> None:
        """Anybody may."""

    def entries(self) -> Iterable[Listed]:
        """See MadeDirectory."""
        found = [listed(name, made) for name, made in self._files.items()]
        found += [(str(pid), self._of(pid).number, FileType.DIRECTORY) for pid in self._kernel.processes]
        if looker.get() is not None:
            found.append((_SELF, self._self_number, FileType.SYMLINK))
        return found

    def find(self, name: str) -> Made | None:
        """See MadeDirectory."""
        if name == _SELF:
            looking = looker.get()
            return None if looking is None else MadeLink(self._self_number, lambda: str(looking.pid))
        if _PID.fullmatch(name) is None:
            return self._files.get(name)
        return self._of(int(name)) if int(name) in self._kernel.processes else None

    def _of(self, pid: int) -> ProcessDirectory:
        return ProcessDirectory(self._kernel, self._facts, pid)


def _space(facts: MachineFacts, numbers: Iterator[int]) -> Fixed:
    """/proc/fs: what statvfs(3) of agents/sdk/c reads."""
    own: dict[str, Made] = {"space": MadeFile(next(numbers), facts.space)}
    return Fixed(next(numbers), {"torpor": Fixed(next(numbers), own)})


def _settings(facts: MachineFacts, numbers: Iterator[int]) -> Fixed:
    """/proc/sys."""
    random: dict[str, Made] = {
        "boot_id": MadeFile(next(numbers), facts.boot_id),
        "uuid": MadeFile(next(numbers), facts.uuid),
    }
    kernel: dict[str, Made] = {
        "hostname": MadeFile(next(numbers), facts.host_name),
        "osrelease": MadeFile(next(numbers), f"{OS_RELEASE}\n".encode),
        "ostype": MadeFile(next(numbers), f"{OS_TYPE}\n".encode),
        # What stands for users that are unknown here: lock files are looked at by it, and Linux has it in every machine.
        "overflowgid": MadeFile(next(numbers), lambda: b"65534\n"),
        "overflowuid": MadeFile(next(numbers), lambda: b"65534\n"),
        "pid_max": MadeFile(next(numbers), f"{LAST_PID}\n".encode),
        "random": Fixed(next(numbers), random),
    }
    return Fixed(next(numbers), {"kernel": Fixed(next(numbers), kernel)})
