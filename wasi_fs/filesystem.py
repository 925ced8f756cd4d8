"""The filesystem of a VM: POSIX operations on paths and handles.

Every path is relative to `at`, an open directory's inode (default: the root); an absolute one starts at the root. Where
POSIX leaves a choice, Linux decides. Permission bits are kept and not enforced: all guests of a VM are one user, its root.

An operation that fails has changed nothing, but for `mkdir(parents=True)` and `write_file(parents=True)`, which may have
made some of the parents.

Host directories can be mounted (`set_mounts`). Names, attributes and content below a mount are the host's own; paths and the
order of the checks are the same. Only there may an operation that fails leave traces: what `write_file` and `remove_tree` did
before the host's disk was full, or another program came between.

Subtrees can be sealed (`seal`): to guests and clients they behave as a read-only filesystem mounted there (EROFS inside,
EXDEV across its border, EBUSY for its root), and the directories on the way there are kept (`keep`): nobody moves, removes or
replaces one (EROFS). The host writes with `install`.

A base system may lie beneath the tree: `wasi_fs.base` has the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasi_fs import bulk
from wasi_fs.base.nodes import BaseDirectory, BaseFile, is_of_base
from wasi_fs.checks import check_border, check_empty, check_free, check_move, check_replace, check_seal, present
from wasi_fs.content import Cut
from wasi_fs.device import Device, read_length
from wasi_fs.errors import FsCode, FsError
from wasi_fs.handles import DirEntry, OpenDirectory, OpenFile, list_entries, open_directory, open_file
from wasi_fs.inode import Directory, File, Inode, Stat, Symlink
from wasi_fs.kept import KeptTree
from wasi_fs.paths import path_of, real_path
from wasi_fs.proc.nodes import length_of
from wasi_fs.resolve import Place, locate, resolve
from wasi_fs.sealing import check_protected
from wasi_fs.tree import MAX_LINKS, Tree
from wasi_fs.values import check_data, check_extent, check_mode, check_path, check_time

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from wasi_fs.inode import Content, Foreign


class FileSystem(KeptTree):
    """One inode tree, shared live by all that use it. All calls are made on one thread."""

    # Attributes

    def resolve(self, path: str, *, at: Directory | None = None, follow: bool = True) -> Inode:
        """The inode that `path` names. FsError(NO_ENTRY, NOT_DIRECTORY, LOOP, NAME_TOO_LONG, INVALID, ...)."""
        self._tree.begin()
        return resolve(self._tree, at or self._tree.root, path, follow)

    def stat(self, path: str, *, at: Directory | None = None, follow: bool = True) -> Stat:
        """The attributes of what `path` names; `follow=False`: of a symlink itself."""
        return self.resolve(path, at=at, follow=follow).stat()

    def chmod(self, path: str, mode: int, *, at: Directory | None = None, follow: bool = True) -> None:
        """Set the permission bits. FsError(READ_ONLY, INVALID)."""
        check_mode(mode)
        self.set_mode(self._changeable(path, at, follow), mode)

    def set_mode(self, node: Inode, mode: int) -> None:
        """`chmod` of an inode."""
        check_mode(mode)
        check_seal(node)
        self._of(node).set_mode(node, mode)

    def path_of(self, directory: Directory) -> str:
        """A directory's path, whatever it was found by. FsError(NO_ENTRY) when it was removed, NAME_TOO_LONG."""
        return path_of(self._tree, directory)

    def real_path(self, path: str, *, at: Directory | None = None) -> str:
        """The path of what `path` names, without symlinks, dots and double slashes. FsError as `resolve` and `path_of`."""
        return real_path(self._tree, at or self._tree.root, path)

    def utimes(
        self, path: str, atime: int | None, mtime: int | None, *, at: Directory | None = None, follow: bool = True
    ) -> None:
        """Set times, in nanoseconds since 1970; None leaves one as it is. FsError(READ_ONLY, INVALID)."""
        check_time(atime)
        check_time(mtime)
        self.set_times(self._changeable(path, at, follow), atime, mtime)

    def set_times(self, node: Inode, atime: int | None, mtime: int | None) -> None:
        """`utimes` of an inode."""
        check_time(atime)
        check_time(mtime)
        check_seal(node)
        self._of(node).set_times(node, atime, mtime)

    def truncate(self, path: str, size: int, *, at: Directory | None = None) -> None:
        """Cut a file off, or extend it by a hole. FsError(IS_DIRECTORY, READ_ONLY, INVALID, FILE_TOO_LARGE)."""
        check_extent(size)
        node = self._file(path, at)
        if isinstance(node, BaseFile):
            node = self._copied(path, at, node, emptied=size == 0)
        check_seal(node)
        self._contents_of(node).resize(node, size)

    # Open and content

    def open(
        self,
        path: str,
        *,
        at: Directory | None = None,
        follow: bool = True,
        read: bool = True,
        write: bool = False,
        create: bool = False,
        exclusive: bool = False,
        truncate: bool = False,
        directory: bool = False,
        mode: int = 0o644,
    ) -> OpenFile | OpenDirectory:
        """open(2): O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, and O_NOFOLLOW for `follow=False`.

        FsError(EXIST, IS_DIRECTORY, LOOP, READ_ONLY, INSUFFICIENT_SPACE, INVALID for `create` with `directory`, ...).
        """
        if create:
            check_mode(mode)
            if directory:
                raise FsError(FsCode.INVALID, "a directory is not created by opening it")
            node, new = self._create(path, at, follow, exclusive, mode)
        else:
            node, new = self.resolve(path, at=at, follow=follow), False
        if isinstance(node, Directory):
            if write or truncate or create:
                raise FsError(FsCode.IS_DIRECTORY, path)
            return open_directory(self._tree, node)
        if directory:
            raise FsError(FsCode.NOT_DIRECTORY, path)
        if not isinstance(node, File):
            raise FsError(FsCode.LOOP if isinstance(node, Symlink) else FsCode.UNSUPPORTED, path)
        if (write or truncate) and not new:
            if isinstance(node, BaseFile):
                node = self._copied(path, at, node, emptied=truncate)
            check_seal(node)
        if truncate and not new and not isinstance(node, Device):
            self._contents_of(node).resize(node, 0)
        return open_file(self._tree, self._contents, node, readable=read, writable=write)

    def read_file(
        self,
        path: str,
        *,
        at: Directory | None = None,
        max_bytes: int | None = None,
        offset: int = 0,
        length: int | None = None,
    ) -> bytes:
        """A file's content from `offset` on, `length` bytes of it or all that there is.

        A device may return less than `length`. FsError(IS_DIRECTORY, FILE_TOO_LARGE for more than `max_bytes`,
        INVALID for all of a device that has no end, NO_SUCH_DEVICE for a program's own streams).
        """
        check_extent(offset)
        node = self._file(path, at)
        if length is not None:
            check_extent(length)
        if isinstance(node, Device):
            count = read_length(node, length)
        else:
            count = max(0, length_of(node) - offset)
            if length is not None:
                count = min(count, length)
        if max_bytes is not None and count > max_bytes:
            raise FsError(FsCode.FILE_TOO_LARGE, f"{path} has {length_of(node)} bytes")
        return bytes(self._contents_of(node).read(node, offset, count))

    def identity(self, path: str, *, at: Directory | None = None) -> Hashable | None:
        """A value that identifies a file's content without reading it: equal values stand for the same bytes.

        Over all trees of the process; not the other way round: the same bytes may have several, and a new one after some
        time out of use. None where it cannot be told, as of a host's file that has just been changed.
        FsError(IS_DIRECTORY, UNSUPPORTED).
        """
        node = self._file(path, at)
        return self._contents_of(node).identity(node)

    def write_file(
        self,
        path: str,
        data: bytes | Cut,
        *,
        at: Directory | None = None,
        mode: int = 0o644,
        parents: bool = False,
        offset: int | None = None,
    ) -> None:
        """Replace a file's content, or only the bytes from `offset` on, all or nothing; a new file gets `mode`.

        A gap between its end and `offset` becomes a hole. `parents`: make missing directories.

        FsError(IS_DIRECTORY, READ_ONLY, INSUFFICIENT_SPACE, FILE_TOO_LARGE, ...).
        """
        if not isinstance(data, Cut):
            check_data(data)
        check_mode(mode)
        check_path(path)
        if offset is not None:
            check_extent(offset)
        if parents:
            head = path.rstrip("/").rpartition("/")[0]
            if head:
                self.mkdir(head, at=at, parents=True)
        place = self._locate(path, at, follow=True)
        contents = self._contents_of(place.node or place.directory)
        if offset is None:
            contents.check_replace(place.node if isinstance(place.node, File) else None, len(data))
        elif place.node is None:
            contents.check_new(offset, len(data))
        with self.open(path, at=at, write=True, create=True, truncate=offset is None, mode=mode) as file:
            assert isinstance(file, OpenFile)
            file.write(offset or 0, data)

    # Names

    def mkdir(self, path: str, mode: int = 0o755, *, at: Directory | None = None, parents: bool = False) -> None:
        """Make a directory; `parents`: also those above it, and it may exist already.

        FsError(EXIST, NO_ENTRY, NOT_DIRECTORY, READ_ONLY, INSUFFICIENT_SPACE, ...).
        """
        check_mode(mode)
        if parents:
            self._tree.begin()
            bulk.make_directories(self._tree, path, mode, at or self._tree.root)
            return
        place = self._locate(path, at)
        check_free(self._tree, place, directory=True)
        self._of(place.directory).make_directory(place.directory, place.name, mode)

    def symlink(self, target: str, path: str, *, at: Directory | None = None) -> None:
        """Make a symlink at `path`. FsError(NO_ENTRY for an empty target, EXIST, READ_ONLY, NAME_TOO_LONG, ...)."""
        check_path(target)
        place = self._locate(path, at)
        check_free(self._tree, place)
        self._of(place.directory).make_symlink(place.directory, place.name, target)

    def readlink(self, path: str, *, at: Directory | None = None) -> str:
        """A symlink's target. FsError(INVALID if it is none)."""
        node = self.resolve(path, at=at, follow=False)
        if not isinstance(node, Symlink):
            raise FsError(FsCode.INVALID, f"{path} is no symlink")
        self._of(node).accessed(node)
        return node.target

    def link(
        self,
        old: str,
        new: str,
        *,
        at: Directory | None = None,
        new_at: Directory | None = None,
        follow: bool = False,
    ) -> None:
        """Give a file a further name. FsError(NOT_PERMITTED for a directory, EXIST, CROSS_DEVICE, READ_ONLY, ...)."""
        node = self.resolve(old, at=at, follow=follow)
        place = locate(self._tree, new_at or self._tree.root, new)
        check_free(self._tree, place)
        if isinstance(node, Directory):
            raise FsError(FsCode.NOT_PERMITTED, f"{old} is a directory")
        if node.read_only or node.mount is not self._home(place.directory):
            raise FsError(FsCode.CROSS_DEVICE, old)
        if node.nlink >= MAX_LINKS:
            raise FsError(FsCode.TOO_MANY_LINKS, old)
        place = self._own(place)
        self._of(node).link(place.directory, place.name, node)

    def unlink(self, path: str, *, at: Directory | None = None) -> None:
        """Remove a name that is not a directory's. FsError(IS_DIRECTORY, READ_ONLY, BUSY, ...)."""
        place = self._locate(path, at)
        if place.special:
            raise FsError(FsCode.IS_DIRECTORY, path)
        check_seal(place.directory)
        node = present(place, path)
        if isinstance(node, Directory):
            raise FsError(FsCode.IS_DIRECTORY, path)
        if place.slash:
            raise FsError(FsCode.NOT_DIRECTORY, path)
        check_border(place.directory, node)
        check_protected(self._tree, place.directory, place.name)
        self._of(node).detach(place.directory, place.name, node)

    def rmdir(self, path: str, *, at: Directory | None = None) -> None:
        """Remove an empty directory. FsError(NOT_DIRECTORY, NOT_EMPTY, BUSY, INVALID for `.`, READ_ONLY, ...)."""
        place = self._locate(path, at)
        if place.special:
            code = {"": FsCode.BUSY, ".": FsCode.INVALID, "..": FsCode.NOT_EMPTY}[place.name]
            raise FsError(code, path)
        check_seal(place.directory)
        node = present(place, path)
        if not isinstance(node, Directory):
            raise FsError(FsCode.NOT_DIRECTORY, path)
        check_border(place.directory, node)
        check_protected(self._tree, place.directory, place.name)
        check_empty(node, path)
        self._of(node).detach(place.directory, place.name, node)

    def rename(self, old: str, new: str, *, at: Directory | None = None, new_at: Directory | None = None) -> None:
        """Move a name, over a file or an empty directory that is in its place; nothing for two names of one inode.

        Where that is refused for its new place, a directory of the base there may have become the VM's.
        FsError(INVALID into its own subtree, NOT_EMPTY, IS_DIRECTORY, NOT_DIRECTORY, BUSY, CROSS_DEVICE, READ_ONLY, ...).
        """
        source = self._locate(old, at)
        target = locate(self._tree, new_at or self._tree.root, new)
        if source.node is not None and source.node.mount is None:
            target = self._own(target)
        node = check_move(self._tree, source, target, f"{old} to {new}")
        victim = target.node
        if victim is node:
            return
        if victim is not None:
            check_replace(target.directory, node, victim, new)
            if is_of_base(victim):
                victim = None  # it is covered
        elif target.directory.nlink == 0:
            raise FsError(FsCode.NO_ENTRY, new)
        self._of(node).move(source.directory, source.name, target.directory, target.name, node, victim)

    def readdir(self, path: str, *, at: Directory | None = None) -> list[str]:
        """A directory's names, without `.` and `..`, in the order of their bytes. FsError(NOT_DIRECTORY)."""
        return [entry.name for entry in self.entries(path, at=at)]

    def entries(self, path: str, *, at: Directory | None = None) -> list[DirEntry]:
        """As `readdir`, with types and inode numbers."""
        node = self.resolve(path, at=at)
        if not isinstance(node, Directory):
            raise FsError(FsCode.NOT_DIRECTORY, path)
        return list_entries(self._of(node), node)

    # Subtrees

    def remove_tree(self, path: str, *, at: Directory | None = None) -> None:
        """Remove a name and all below it. FsError(NO_ENTRY, BUSY, READ_ONLY): nothing was removed."""
        bulk.remove_tree(self._tree, self._locate(path, at), path)

    def check_removal(self, path: str) -> None:
        """Raise the FsError that `remove_tree` would raise, as far as that can be known without looking into the directory."""
        bulk.check_removal(self._tree, self._locate(path, None), path)

    def host_removal(self, path: str) -> Iterator[int] | None:
        """`remove_tree` of a path in a mount, a little with each step of the iterator, which yields the step's cost, counted
        in names. None for a path of the VM's own. FsError.
        """
        return bulk.host_removal(self._tree, self._locate(path, None), path)

    # Checks

    def _locate(self, path: str, at: Directory | None, *, follow: bool = False) -> Place:
        self._tree.begin()
        return locate(self._tree, at or self._tree.root, path, follow)

    def _of(self, node: Inode) -> Tree | Foreign:
        return node.mount or self._tree

    def _home(self, directory: Directory) -> Foreign | None:
        """What will have a new name in the directory; None: the VM's own tree."""
        return None if isinstance(directory, BaseDirectory) else directory.mount

    def _own(self, place: Place) -> Place:
        """The same place in a directory that can have new names: one of the base becomes the VM's. FsError."""
        if place.special or not isinstance(place.directory, BaseDirectory):
            return place
        return place._replace(directory=self._base.own_directory(place.directory))

    def _changeable(self, path: str, at: Directory | None, follow: bool) -> Inode:
        """As `resolve`, for a change: a file of the base is copied first. FsError."""
        node = self.resolve(path, at=at, follow=follow)
        return self._copied(path, at, node) if isinstance(node, BaseFile) else node

    def _copied(self, path: str, at: Directory | None, node: BaseFile, *, emptied: bool = False) -> File:
        """The VM's own file in the place of the base's that `path` leads to. FsError."""
        place = self._locate(path, at, follow=True)
        return self._base.own_file(place.directory, place.name, node, emptied=emptied)

    def _contents_of(self, node: Inode) -> Content:
        return self._contents if node.mount is None else node.mount.contents

    def _file(self, path: str, at: Directory | None) -> File:
        node = self.resolve(path, at=at)
        if not isinstance(node, File):
            raise FsError(FsCode.IS_DIRECTORY if isinstance(node, Directory) else FsCode.UNSUPPORTED, path)
        return node

    def _create(self, path: str, at: Directory | None, follow: bool, exclusive: bool, mode: int) -> tuple[Inode, bool]:
        """The inode at `path`, or a new file there; and whether it is new."""
        place = self._locate(path, at, follow=follow and not exclusive)
        if place.slash and not place.special:
            raise FsError(FsCode.IS_DIRECTORY, path)
        if place.node is not None:
            if exclusive:
                raise FsError(FsCode.EXIST, path)
            return place.node, False
        check_free(self._tree, place)
        return self._of(place.directory).make_file(place.directory, place.name, mode), True
