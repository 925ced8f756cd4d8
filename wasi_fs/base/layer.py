"""What is in a base system: made once by the host, the same for all trees. It knows nothing of any of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from wasi_fs.backend import ROOT_INO, Dentry, FileType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wasi_fs.backend import Data

FIRST_INO: Final = 1 << 51
LAST_INO: Final = (1 << 51) + (1 << 50) - 1
"""The numbers of a base: beyond any that a tree reaches, below those of the devices and of host directories."""


class Digest(str):
    """The identity of a file whose content is known beforehand: its SHA-256 in hex."""

    __slots__ = ()


class Content(Protocol):
    """What a file of the base holds; always the same."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def digest(self) -> Digest:
        """What identifies them."""

    def read(self, offset: int, count: int) -> Data:
        """The bytes from `offset` on, as many as are asked for, all of which exist. Raises FsError(IO)."""


@attrs.frozen(eq=False)
class Entry:
    """A directory, file or symlink of the base."""

    ino: int
    type: FileType
    mode: int
    way: tuple[str, ...]
    """The names from the root; of a file the first of its paths."""
    content: Content | None = None
    """A file's."""
    target: str = ""
    """A symlink's."""
    children: dict[str, Entry] = attrs.field(factory=dict)
    """A directory's."""
    dentries: dict[str, Dentry] = attrs.field(factory=dict)
    """The same, as listings have them."""
    ways: dict[str, Entry] = attrs.field(factory=dict)
    """The names among these that lead to directories, through symlinks too, and to which."""
    names: list[str] = attrs.field(factory=list)
    """A file's paths."""


class Base:
    """What lies beneath all trees that are given it. The empty one is none at all."""

    def __init__(
        self,
        directories: Mapping[str, int] | None = None,
        files: Mapping[str, tuple[Content, int]] | None = None,
        links: Mapping[str, str] | None = None,
    ) -> None:
        self.root: Entry
        self.names: frozenset[str]
        """Every name that is in it somewhere."""
        self.depth: int
        """Names in the longest way to a directory."""
        self.replace(directories or {}, files or {}, links or {})

    def replace(
        self, directories: Mapping[str, int], files: Mapping[str, tuple[Content, int]], links: Mapping[str, str]
    ) -> None:
        """Have these by their absolute paths: directories with their modes, files with theirs, symlinks with their targets.

        Directories that are missing above these are made, with mode 0o755. Paths with the same `Content` object are hard links
        of one file. What stays at its path, files of the same content, keeps its inode number. ValueError where two things
        have one path.
        """
        making = _Making()
        for path, mode in sorted(directories.items()):
            making.directory(_way(path), mode)
        for path, target in sorted(links.items()):
            making.link(_way(path), target)
        for path, (content, mode) in sorted(files.items()):
            making.file(_way(path), content, mode)
        self.root, self.names, self.depth = making.finish()


class _Making:
    """A base that is being made."""

    def __init__(self) -> None:
        self._numbers: set[int] = set()
        self._directories: dict[tuple[str, ...], Entry] = {}
        self._files: dict[int, Entry] = {}  # by the content's id
        self._root = Entry(ROOT_INO, FileType.DIRECTORY, 0o755, ())
        self._directories[()] = self._root

    def directory(self, way: tuple[str, ...], mode: int = 0o755) -> Entry:
        found = self._directories.get(way)
        if found is None:
            found = self._directories[way] = self._enter(way, FileType.DIRECTORY, mode, "")
        return found

    def link(self, way: tuple[str, ...], target: str) -> None:
        self._enter(way, FileType.SYMLINK, 0o777, target)

    def _enter(self, way: tuple[str, ...], kind: FileType, mode: int, target: str) -> Entry:
        entry = Entry(self._number(kind, "/".join(way)), kind, mode, way, target=target)
        self._put(way, entry)
        return entry

    def file(self, way: tuple[str, ...], content: Content, mode: int) -> None:
        entry = self._files.get(id(content))
        if entry is None:
            ino = self._number(FileType.REGULAR, f"{'/'.join(way)}/{content.digest}")
            entry = self._files[id(content)] = Entry(ino, FileType.REGULAR, mode, way, content=content)
        entry.names.append("/".join(way))
        self._put(way, entry)

    def finish(self) -> tuple[Entry, frozenset[str], int]:
        names: set[str] = set()
        for entry in self._directories.values():
            names |= entry.children.keys()
            for name, child in entry.children.items():
                entry.dentries[name] = Dentry(child.ino, child.type)
                if (found := self._led_to(child)) is not None:
                    entry.ways[name] = found
        return self._root, frozenset(names), max(map(len, self._directories))

    def _put(self, way: tuple[str, ...], entry: Entry) -> None:
        children = self.directory(way[:-1]).children
        if children.setdefault(way[-1], entry) is not entry:
            raise ValueError(f"the base has /{'/'.join(way)} twice")

    def _led_to(self, entry: Entry) -> Entry | None:
        if entry.type is FileType.DIRECTORY:
            return entry
        if entry.type is not FileType.SYMLINK:
            return None
        way = () if entry.target[0] == "/" else entry.way[:-1]
        return self._directories.get(way + _way(entry.target))

    def _number(self, kind: FileType, key: str) -> int:
        """The same number for the same thing at the same place, whatever else there is, but for one in a billion."""
        digest = hashlib.sha256(f"{kind.value}:{key}".encode()).digest()
        number = FIRST_INO + int.from_bytes(digest[:8], "big") % (LAST_INO - FIRST_INO)
        while number in self._numbers:
            number += 1
        self._numbers.add(number)
        return number


def _way(path: str) -> tuple[str, ...]:
    return tuple(name for name in path.split("/") if name)
