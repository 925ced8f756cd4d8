"""Directories of /proc whose entries are always the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasi_fs.backend import FileType
from wasi_fs.proc import MadeFile, MadeLink

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wasi_fs.proc.entries import Made

Listed = tuple[str, int, FileType]
"""A name, and the number and type of what it stands for."""


class Fixed:
    """A directory with these entries; as `MadeDirectory`."""

    mode: Final = 0o555

    def __init__(self, number: int, children: Mapping[str, Made]) -> None:
        self.number: Final = number
        self._children: Final = children

    def open(self) -> None:
        """Anybody may."""

    def entries(self) -> Iterable[Listed]:
        """See MadeDirectory."""
        return [listed(name, made) for name, made in self._children.items()]

    def find(self, name: str) -> Made | None:
        """See MadeDirectory."""
        return self._children.get(name)


def listed(name: str, made: Made) -> Listed:
    """How a directory lists an entry."""
    return name, made.number, made.type if isinstance(made, MadeFile | MadeLink) else FileType.DIRECTORY
