"""The inode tree: inodes and dentries as the backend has them and as they have changed, and quotas.

Knows nothing of paths (`resolve`) or of content (`content`); what of it is in memory is `memory`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from wasi_fs.backend import ROOT_INO, Backend, Dentry, Usage
from wasi_fs.device import NAMES
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import NO_NAMES, Directory, File, Inode, Symlink
from wasi_fs.memory import Memory
from wasi_fs.records import from_record, take_attributes
from wasi_fs.values import check_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasi_fs.backend import InodeRecord
    from wasi_fs.device import Beside, Shown
    from wasi_fs.inode import Mounted

MAX_TOUCHED: Final = 2048
"""Inodes whose new access times wait for a change set; what is read beyond keeps the time that it has."""

MAX_LINKS: Final = 65_000
"""Hard links a file, as on ext4."""


@attrs.frozen
class Limits:
    """What a tree may take up. Beyond it, ENOSPC, and EFBIG for a single file."""

    bytes: int = 4 * 1024**3
    """Content of all files and symlinks, before compression, holes not counted."""
    entries: int = 200_000
    """Names in all directories: files, directories, symlinks and hard links."""
    file_size: int = 1024**4
    """Bytes of one file, holes counted: 16 million chunk indices at the most."""


class Tree(Memory):
    """All inodes of one VM. Raises FsError(IO) where the backend contradicts itself."""

    def __init__(self, backend: Backend, limits: Limits, clock: Callable[[], int]) -> None:
        super().__init__()
        self.backend = backend
        self.limits = limits
        self.clock = clock
        self.dead: set[int] = set()
        """Inodes that the next change set deletes."""
        self.mounts: dict[int, Mounted] = {}
        """What is mounted on directories, by their inode numbers; those are held open."""
        self.devices: Shown
        """What /dev has; set by the `FileSystem`."""
        self.proc: Shown
        """What /proc has; set by the `FileSystem`."""
        self.base: Beside
        """What lies beneath the tree; set by the `FileSystem`."""
        self.protected: set[tuple[str, ...]] = set()
        """Ways from the root, name by name, that the host keeps: see `wasi_fs.sealing`."""
        self.dirty_bytes = 0
        """Content for the next change set."""
        self.flight_bytes = 0
        """Content in the change set under way."""
        self.changed_names = 0
        """Names that were set or removed since the last change set; one that changes again counts again."""
        self.take_usage(*self.load_usage())
        self._next_ino = backend.next_ino()
        record = backend.load_inode(ROOT_INO)
        if record is None:
            root = Directory(ROOT_INO, 0o755, clock(), ROOT_INO)
            self.mark(root)
        else:
            loaded = from_record(record)
            if not isinstance(loaded, Directory):
                raise FsError(FsCode.IO, "the root is not a directory")
            root = loaded
        self.root = root
        root.opens = 1  # never leaves memory
        self.admit(root)

    def load_usage(self) -> tuple[Usage, dict[int, int]]:
        """What the backend has: the usage, and the bytes of each inode that nothing leads to any more."""
        return self.backend.usage(), dict(self.backend.orphans())

    def take_usage(self, usage: Usage, orphans: dict[int, int]) -> None:
        """Count from what the backend has; of its orphans those go with the next change set that nobody has open."""
        self.dead = orphans.keys() - self.nodes.keys()
        self.bytes = usage.bytes - sum(orphans[ino] for ino in self.dead)
        self.entries_used = usage.entries

    @property
    def usage(self) -> Usage:
        """What the tree takes up now, unsaved changes included."""
        return Usage(self.bytes, self.entries_used)

    @property
    def next_ino(self) -> int:
        """The first inode number that is free."""
        return self._next_ino

    # Inodes

    def get(self, ino: int) -> Inode:
        """The inode of that number, which a dentry or a parent names."""
        node = self.nodes.get(ino)
        if node is None:
            self.count_load()
            record = self.backend.load_inode(ino)
            if record is None:
                raise FsError(FsCode.IO, f"inode {ino} is missing")
            node = from_record(record)
            self.admit(node)
        node.used = True
        return node

    def parent(self, directory: Directory) -> Directory:
        """The directory above, which is the root's own for the root."""
        parent = self.get(directory.parent)
        if not isinstance(parent, Directory):
            raise FsError(FsCode.IO, f"inode {directory.parent} is a parent and not a directory")
        return parent

    def make_file(self, directory: Directory, name: str, mode: int) -> File:
        """Make an empty file under a name that is free. FsError(INSUFFICIENT_SPACE)."""
        node = File(self._take_ino(), mode, self.clock())
        self.attach(directory, name, node)
        return node

    def make_directory(self, directory: Directory, name: str, mode: int) -> Directory:
        """Make an empty directory under a name that is free. FsError(INSUFFICIENT_SPACE)."""
        node = Directory(self._take_ino(), mode, self.clock(), directory.ino)
        self.attach(directory, name, node)
        return node

    def make_symlink(self, directory: Directory, name: str, target: str) -> None:
        """Make a symlink under a name that is free. FsError(INSUFFICIENT_SPACE)."""
        node = Symlink(self._take_ino(), self.clock(), target)
        node.size = node.allocated = len(target.encode())
        self.attach(directory, name, node)

    def set_mode(self, node: Inode, mode: int) -> None:
        """Set the permission bits."""
        node.mode = mode
        self.changed(node)

    def set_times(self, node: Inode, atime: int | None, mtime: int | None) -> None:
        """Set times; None leaves one as it is."""
        if atime is not None:
            node.atime = atime
        if mtime is not None:
            node.mtime = mtime
        if atime is not None or mtime is not None:
            self.changed(node)

    def mark(self, node: Inode) -> None:
        """The inode has changed: the next change set carries it."""
        self.dirty[node.ino] = node

    def modified(self, node: Inode) -> None:
        """Content or entries have changed (POSIX: mark mtime and ctime for update)."""
        node.mtime = node.ctime = self.clock()
        self.dirty[node.ino] = node

    def changed(self, node: Inode) -> None:
        """Attributes have changed (POSIX: mark ctime for update)."""
        node.ctime = self.clock()
        self.dirty[node.ino] = node

    def accessed(self, node: Inode) -> None:
        """Content was read. As with Linux's relatime, atime moves only when it is not later than the last change."""
        if (node.atime <= node.mtime or node.atime <= node.ctime) and not node.read_only:
            now = self.clock()
            if now != node.atime and (len(self.touched) < MAX_TOUCHED or node.ino in self.touched):
                node.atime = now
                self.touched[node.ino] = node

    def release(self, node: Inode) -> None:
        """An open handle is closed; an unlinked inode goes with its last one."""
        node.opens -= 1
        if node.nlink == 0 and node.opens == 0:
            self._forget(node)

    def charge(self, count: int) -> None:
        """Count that many more bytes of content. FsError(INSUFFICIENT_SPACE), and nothing counted, beyond the limit."""
        if count > 0 and self.bytes + count > self.limits.bytes:
            raise FsError(FsCode.INSUFFICIENT_SPACE, f"the limit is {self.limits.bytes} bytes")
        self.bytes += count

    # Dentries

    def lookup(self, directory: Directory, name: str) -> Inode | None:
        """What `name` stands for, the mounted directory where one is; None if nothing. FsError(NAME_TOO_LONG)."""
        try:
            dentry = directory.children[name]
        except KeyError:
            if directory.mount is not None:
                return directory.mount.lookup(directory, name)
            dentry = self._load_dentry(directory, name)
        if dentry is None:
            return self._beside(directory, name)
        ino = dentry.ino
        if ino in self.mounts:
            return self.mounts[ino].top()
        node = self.nodes.get(ino)
        if node is None:
            return self.get(ino)
        node.used = True
        return node

    def _beside(self, directory: Directory, name: str) -> Inode | None:
        """What a directory of the VM's own shows under a name of which it has nothing itself."""
        node = self.base.beside(directory, name)
        if node is None and name in NAMES:
            return self.devices.beside(directory, name) or self.proc.beside(directory, name)
        return node

    def entries_beside(self, directory: Directory) -> dict[str, Dentry]:
        """All that `lookup` finds beside what a directory of the VM's own has, be it covered or not."""
        return {
            **self.proc.entries_beside(directory),
            **self.devices.entries_beside(directory),
            **self.base.entries_beside(directory),
        }

    def own(self, directory: Directory, name: str) -> Inode | None:
        """What a directory of the VM's own has itself under that name, be something mounted on it; None if nothing."""
        known = name in directory.children
        dentry = directory.children[name] if known else self._load_dentry(directory, name)
        return None if dentry is None else self.get(dentry.ino)

    def _load_dentry(self, directory: Directory, name: str) -> Dentry | None:
        """A dentry that is not among the known ones. FsError(NAME_TOO_LONG)."""
        check_name(name)
        if directory.listed:
            return None
        self.count_load()
        dentry = self.backend.lookup(directory.ino, name)
        self.remember(directory, name, dentry)
        return dentry

    def entries(self, directory: Directory) -> list[tuple[str, Dentry]]:
        """All names with their dentries, in the order of their bytes, so that a listing never depends on history."""
        children = directory.children
        if not directory.listed:
            self.count_load()
            complete: dict[str, Dentry | None] = {
                name: Dentry(ino, kind) for name, ino, kind in self.backend.entries(directory.ino)
            }
            for name in directory.changed | directory.flight_changed:
                complete[name] = children.get(name)
            known = len(children)
            directory.children = children = {name: dentry for name, dentry in complete.items() if dentry is not None}
            directory.listed = True
            self.cached_dentries += len(children) - known
            self.check_crowd()
        return sorted([(name, dentry) for name, dentry in children.items() if dentry is not None])

    def attach(self, directory: Directory, name: str, node: Inode) -> None:
        """Give the inode a (further) name, which is free. FsError(INSUFFICIENT_SPACE)."""
        if self.entries_used >= self.limits.entries:
            raise FsError(FsCode.INSUFFICIENT_SPACE, f"the limit is {self.limits.entries} entries")
        if node.nlink == 0:
            self.charge(node.allocated)  # a new symlink's target; a new file is empty
        self.entries_used += 1
        self._put(directory, name, node)
        if not isinstance(node, Directory):
            node.nlink += 1
        if node.ino not in self.nodes:
            self.admit(node)
        self.mark(node)

    def detach(self, directory: Directory, name: str, node: Inode) -> None:
        """Take a name away; the inode goes with its last name and its last open handle."""
        self.entries_used -= 1
        self._take(directory, name, node)
        node.nlink = 0 if isinstance(node, Directory) else node.nlink - 1
        if node.nlink or node.opens:
            self.changed(node)
        else:
            self._forget(node)

    def link(self, directory: Directory, name: str, node: Inode) -> None:
        """Give the inode a further name, which is free. FsError(INSUFFICIENT_SPACE)."""
        self.attach(directory, name, node)
        self.changed(node)

    def move(
        self, old: Directory, old_name: str, new: Directory, new_name: str, node: Inode, victim: Inode | None
    ) -> None:
        """Move a name to another, in place of `victim`, which is what is there.

        ctime of the inode changes as on Linux (POSIX leaves it open).
        """
        if victim is not None:
            self.detach(new, new_name, victim)
        self._take(old, old_name, node)
        self._put(new, new_name, node)
        self.changed(node)

    def _put(self, directory: Directory, name: str, node: Inode) -> None:
        self.remember(directory, name, Dentry(node.ino, node.type))
        directory.change(name)
        self.changed_names += 1
        directory.size += 1
        if isinstance(node, Directory):
            directory.nlink += 1
            node.parent = directory.ino
        self.modified(directory)

    def _take(self, directory: Directory, name: str, node: Inode) -> None:
        if directory.listed:
            del directory.children[name]
            self.cached_dentries -= 1
        else:
            directory.children[name] = None
        directory.change(name)
        self.changed_names += 1
        directory.size -= 1
        if isinstance(node, Directory):
            directory.nlink -= 1
        self.modified(directory)

    # Ends

    def drop_unsaved(self, node: File) -> None:
        """The file is gone: give back the memory of its unsaved chunks."""
        self.dirty_bytes -= sum(map(len, node.dirty.values()))
        node.dirty = {}

    def reload(self, node: Inode, record: InodeRecord) -> None:
        """The inode is again as the backend has it; open handles keep it."""
        take_attributes(node, record)
        if isinstance(node, Directory):
            self.cached_dentries -= len(node.children)
            node.parent, node.children, node.listed = record.parent, {}, False
            node.changed = node.flight_changed = NO_NAMES

    def drop(self, node: Inode) -> None:
        """The backend has never had the inode, and nothing leads to it any more; open handles keep it, empty."""
        known = self.nodes.get(node.ino) is node
        if isinstance(node, Directory):
            if known:
                self.cached_dentries -= len(node.children)
            node.children, node.changed, node.flight_changed = {}, NO_NAMES, NO_NAMES
            if node.ino in self.mounts:
                self.mounts.pop(node.ino).take_away()
                node.opens -= 1
        node.size = node.allocated = 0
        node.persisted = False
        if node is self.root:
            node.nlink = 2
            self.mark(node)
            return
        node.nlink = 0
        if known and not node.opens:
            del self.nodes[node.ino]

    def _forget(self, node: Inode) -> None:
        """The inode has neither names nor handles: it is gone, and from the backend with the next change set."""
        self.bytes -= node.allocated
        self.nodes.pop(node.ino, None)
        self.dirty.pop(node.ino, None)
        self.touched.pop(node.ino, None)
        if isinstance(node, Directory):
            self.cached_dentries -= len(node.children)
        elif isinstance(node, File):
            self.drop_unsaved(node)
        if node.persisted:
            self.dead.add(node.ino)

    def _take_ino(self) -> int:
        ino = self._next_ino
        self._next_ino += 1
        return ino
