"""What is in /proc, as the host gives it: made when it is looked for. Its functions may raise FsError, such as ACCESS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from wasi_fs.backend import FileType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@attrs.frozen(eq=False)
class MadeFile:
    """A file. Its content is made when it is opened, and again when it is read from its beginning."""

    number: int
    """Which inode of /proc it is: the same each time it is made, counted from `nodes.FIRST_INO`."""
    read: Callable[[], bytes]
    steady: bool = False
    """The content is there anyhow, and hardly changes: it is asked for with each read, and never held."""
    mode: int = 0o444
    type: FileType = attrs.field(default=FileType.REGULAR, init=False)


@attrs.frozen(eq=False)
class MadeLink:
    """A symlink."""

    number: int
    target: Callable[[], str]
    mode: int = attrs.field(default=0o777, init=False)
    type: FileType = attrs.field(default=FileType.SYMLINK, init=False)


class MadeDirectory(Protocol):
    """A directory."""

    @property
    def number(self) -> int:
        """As of a file."""

    @property
    def mode(self) -> int:
        """Permission bits."""

    def open(self) -> None:
        """It is about to be opened, to be listed."""

    def entries(self) -> Iterable[tuple[str, int, FileType]]:
        """Names, with the numbers and types of what they stand for."""

    def find(self, name: str) -> Made | None:
        """What a name stands for; None if nothing."""


Made = MadeFile | MadeLink | MadeDirectory
