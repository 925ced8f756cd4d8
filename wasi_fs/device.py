"""The devices of /dev, each for itself; `devices` has them in a tree."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from wasi_fs.backend import ROOT_INO, FileType
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory, File

if TYPE_CHECKING:
    from wasi_fs.backend import Dentry
    from wasi_fs.inode import Foreign, Inode

NAME: Final = "dev"

LAST_INO: Final = (1 << 52) - 1
FIRST_INO: Final = LAST_INO - 63
"""The number of the directory, with the devices' after it: below those of host directories, beyond any that a tree reaches."""


class Kind(StrEnum):
    """What a device does."""

    NULL = "null"
    ZERO = "zero"
    FULL = "full"
    RANDOM = "random"
    STDIN = "stdin"
    STDOUT = "stdout"
    STDERR = "stderr"
    TTY = "tty"


ENDLESS: Final = frozenset({Kind.ZERO, Kind.FULL, Kind.RANDOM})
"""To read from these never ends."""

STANDARD: Final = frozenset({Kind.STDIN, Kind.STDOUT, Kind.STDERR})
"""These are the streams of the program that opens them."""

KINDS: Final = {**{kind.value: kind for kind in Kind}, "urandom": Kind.RANDOM}
DESCRIPTORS: Final = {"0": Kind.STDIN, "1": Kind.STDOUT, "2": Kind.STDERR}
"""Of /dev/fd: in WASI 0.2 a program has no others that its host knows by number."""

PROC: Final = "proc"
"""The name of the directory beside /dev: see `wasi_fs.proc`."""

NAMES: Final = frozenset({NAME, "fd", PROC, *KINDS})
"""Every name that a directory of the VM's own may have to have a device for, or /proc."""


class Device(File):
    """A character device: a file without content of its own, with the attributes of its beginning."""

    __slots__ = ("kind", "mount")
    type = FileType.CHARACTER
    sized = False
    mount: Foreign

    def __init__(self, ino: int, kind: Kind, mount: Foreign) -> None:
        super().__init__(ino, 0o666, 0)
        self.kind = kind
        self.mount = mount
        self.nlink = 1


class DeviceDirectory(Directory):
    """/dev or /dev/fd."""

    __slots__ = ("mount",)
    mount: Foreign

    def __init__(self, ino: int, mount: Foreign) -> None:
        super().__init__(ino, 0o755, 0, ROOT_INO)
        self.mount = mount


class Beside(Protocol):
    """What a tree shows beside what it has."""

    def beside(self, directory: Directory, name: str) -> Inode | None:
        """What stands for a name of which one of the VM's own directories has nothing itself."""
        ...

    def entries_beside(self, directory: Directory) -> dict[str, Dentry]:
        """All that one of the VM's own directories shows under a name of which it has nothing itself."""
        ...


class Shown(Beside, Protocol):
    """The devices, or /proc, as a tree has them."""

    @property
    def top(self) -> Directory:
        """/dev, or /proc, where the VM has none of its own."""
        ...


def is_device(ino: int) -> bool:
    """Whether the number is one of a device, or of a directory of devices."""
    return FIRST_INO <= ino <= LAST_INO


def read_length(device: Device, length: int | None) -> int:
    """Bytes of a device that one read without a position returns. FsError(INVALID) for all of a device without an end."""
    if length is None and device.kind in ENDLESS:
        raise FsError(FsCode.INVALID, "a device without an end: say how much to read")
    return length or 0
