"""Inodes of /proc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasi_fs.backend import ROOT_INO
from wasi_fs.base.layer import LAST_INO as LAST_OF_BASE
from wasi_fs.device import FIRST_INO as FIRST_DEVICE
from wasi_fs.inode import Directory, File, Inode, Symlink
from wasi_fs.proc.entries import MadeFile, MadeLink

if TYPE_CHECKING:
    from wasi_fs.inode import Foreign
    from wasi_fs.proc.entries import Made, MadeDirectory

FIRST_INO: Final = LAST_OF_BASE + 1
LAST_INO: Final = FIRST_DEVICE - 1
"""Their numbers: beyond those of a base, below those of the devices."""


class ProcDirectory(Directory):
    """/proc, or a directory in it."""

    __slots__ = ("above", "made", "mount")
    mount: Foreign

    def __init__(self, made: MadeDirectory, above: Directory, mount: Foreign, now: int) -> None:
        super().__init__(FIRST_INO + made.number, made.mode, now, ROOT_INO)
        self.made = made
        self.above = above
        self.mount = mount
        self.read_only = True


class ProcFile(File):
    """A file in /proc: without a size, as everywhere."""

    __slots__ = ("_fresh", "_held", "made", "mount")
    sized = False
    mount: Foreign

    def __init__(self, made: MadeFile, mount: Foreign, now: int) -> None:
        super().__init__(FIRST_INO + made.number, made.mode, now)
        self.made = made
        self.mount = mount
        self.nlink = 1
        self.read_only = True
        self._held: bytes | None = None
        self._fresh = False

    def make(self) -> None:
        """Have the content of this moment for the next read. FsError."""
        data = self.made.read()
        if not self.made.steady:
            self._held, self._fresh = data, True

    def content(self, offset: int) -> bytes:
        """All of it, for a read at an offset. FsError."""
        if self.made.steady:
            return self.made.read()
        if self._held is None or (offset == 0 and not self._fresh):
            self._held = self.made.read()
        self._fresh = False
        return self._held


class ProcLink(Symlink):
    """A symlink in /proc."""

    __slots__ = ("made", "mount")
    mount: Foreign

    def __init__(self, made: MadeLink, mount: Foreign, now: int) -> None:
        Inode.__init__(self, FIRST_INO + made.number, made.mode, 1, now)
        self.made = made
        self.mount = mount
        self.read_only = True

    @property
    def target(self) -> str:  # type: ignore[override]  # it is asked for when somebody wants to know
        """Where it leads. FsError."""
        return self.made.target()


ProcNode = ProcDirectory | ProcFile | ProcLink


def node_of(made: Made, above: Directory, mount: Foreign, now: int) -> ProcNode:
    """The inode of an entry, as of `now`."""
    if isinstance(made, MadeFile):
        return ProcFile(made, mount, now)
    if isinstance(made, MadeLink):
        return ProcLink(made, mount, now)
    return ProcDirectory(made, above, mount, now)


def length_of(node: File) -> int:
    """Bytes that a file has, in /proc those of this moment. FsError."""
    return len(node.content(0)) if isinstance(node, ProcFile) else node.size


def is_of_proc(ino: int) -> bool:
    """Whether the number is one of /proc's inodes."""
    return FIRST_INO <= ino <= LAST_INO
