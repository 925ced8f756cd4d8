"""Path resolution (POSIX 4.13, with Linux's answers where POSIX leaves a choice).

A path is resolved relative to a directory; an absolute one, and an absolute symlink target, starts at the VM's root, whose
`..` is the root itself. Names in a mounted host directory are looked up by its mount, by the same rules but for one: its
symlinks belong to the host, and lead nowhere else. An absolute target, and `..` in a target from the mount's root, are
NOT_PERMITTED; in a path, `..` from there leads to the VM's directory above.

What one resolution may take is bounded over all the symlinks that it follows: forty with targets of 4 KiB would make it look
at a hundred thousand names. POSIX has ENAMETOOLONG for it ("pathname resolution of a symbolic link produced an intermediate
result with a length that exceeds {PATH_MAX}").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import Directory, Inode, Symlink
from wasi_fs.values import PATH_MAX, check_path

if TYPE_CHECKING:
    from wasi_fs.tree import Tree

MAX_SYMLINKS: Final = 40
"""Symlinks followed in one resolution (Linux)."""

MAX_STEPS: Final = 4096
"""Components looked at in one resolution, those of symlinks' targets and empty ones included: a path of `PATH_MAX` bytes has
half as many, and a millisecond suffices for all."""

HOST_STEPS: Final = 16
"""What a component in a mounted host directory counts for: the kernel is asked two to four times, in 10 to 30 us."""

_NEVER: Final = 1 << 62


class Place(NamedTuple):
    """Where a path's last component is, or would be."""

    directory: Directory
    """The directory that holds it; meaningless for a special name."""
    name: str
    """The last component; `.`, `..` and the empty string (the root) are special, and `node` is set for them."""
    node: Inode | None
    """The inode there, None if there is none."""
    slash: bool
    """The path ends with a slash: it must name a directory."""

    @property
    def special(self) -> bool:
        """The last component is not a name that could be created, renamed or removed."""
        return self.name in {"", ".", ".."}


class Walk:
    """The steps that a resolution has taken so far; several resolutions for one purpose can share it."""

    __slots__ = ("_links", "_steps")

    def __init__(self) -> None:
        self._links = 0
        self._steps = 0

    def take(self, steps: int) -> None:
        """Count steps. FsError(NAME_TOO_LONG)."""
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise FsError(
                FsCode.NAME_TOO_LONG, f"the path leads over more than {MAX_STEPS} names, or has too many in a mount"
            )

    def come_to(self, node: Inode) -> None:
        """Count the cost of looking the inode up, beyond one step. FsError(NAME_TOO_LONG)."""
        if node.mount is not None:
            self.take(HOST_STEPS)

    def follow(self, link: Symlink, path: str) -> tuple[str, bool]:
        """Where a symlink leads, and whether it may not lead out of its mount. FsError(LOOP), and NOT_PERMITTED in mounts."""
        self._links += 1
        if self._links > MAX_SYMLINKS:
            raise FsError(FsCode.LOOP, path)
        target = link.target
        confined = link.mount is not None and link.mount.confines
        if confined:
            check_relative(target)
        return target, confined


def resolve(
    tree: Tree, at: Directory, path: str, follow: bool = True, *, confined: bool = False, walk: Walk | None = None
) -> Inode:
    """The inode that `path` names; `follow`: also through a symlink in its last component.

    `confined`: the path is the target of a symlink in a mount. FsError(NO_ENTRY, NOT_DIRECTORY, LOOP, NAME_TOO_LONG), those
    of `check_path` and `Tree.lookup`, and in mounts those of `HostTree`.
    """
    start = _start(tree, at, path)
    lookup, nodes, mounts = tree.lookup, tree.nodes, tree.mounts
    if path in start.children and (known := _known(tree, start, path, follow)) is not None:
        return known
    node: Inode = start
    todo = path.split("/")
    todo.reverse()
    walk = walk or Walk()
    walk.take(len(todo))
    bound = 0 if confined else _NEVER  # as long as so many components are left, they are of a mount's symlink
    while todo:
        name = todo.pop()
        if not isinstance(node, Directory):
            raise FsError(FsCode.NOT_DIRECTORY, path)
        if name in {"", "."}:  # an empty name: doubled, leading and trailing slashes
            continue
        if name == "..":
            node = _above(tree, node, len(todo) >= bound, walk)
            continue
        dentry = node.children.get(name)
        # Most are known: that spares them a call.
        child = None if dentry is None or dentry.ino in mounts else nodes.get(dentry.ino)
        if child is not None:
            child.used = True
        else:
            child = lookup(node, name)
            if child is None:
                raise FsError(FsCode.NO_ENTRY, path)
            walk.come_to(child)
        if isinstance(child, Symlink) and (todo or follow):
            target, binds = walk.follow(child, path)
            bound = min(bound, len(todo)) if binds else _NEVER
            if target[0] == "/":
                node = tree.root
            names = target.split("/")
            walk.take(len(names))
            names.reverse()
            todo += names
            continue
        node = child
    return node


def _known(tree: Tree, directory: Directory, name: str, follow: bool) -> Inode | None:
    """What a name stands for, where that is in memory and needs no further step: many paths are one such name."""
    dentry = directory.children[name]
    child = None if dentry is None or dentry.ino in tree.mounts else tree.nodes.get(dentry.ino)
    if child is None or (follow and isinstance(child, Symlink)):
        return None
    child.used = True
    return child


def locate(tree: Tree, at: Directory, path: str, follow: bool = False, *, walk: Walk | None = None) -> Place:
    """Where the last component of `path` is, or would be.

    `follow`: as open(2) with O_CREAT finds its place: where a symlink there leads, existing or not, and IS_DIRECTORY for
    a trailing slash. FsError: those of `resolve`, but a missing last component is none.
    """
    confined = False
    walk = walk or Walk()
    while True:
        check_path(path)
        trimmed = path.rstrip("/")
        slash = len(trimmed) != len(path)
        if not trimmed:
            return Place(tree.root, "", tree.root, slash)
        head, _, name = trimmed.rpartition("/")
        if head:
            directory = resolve(tree, at, head, confined=confined, walk=walk)
            if not isinstance(directory, Directory):
                raise FsError(FsCode.NOT_DIRECTORY, path)
        else:
            directory = tree.root if path[0] == "/" else at
            if directory.mount is not None:
                directory = directory.mount.enter(directory)
        if name == ".":
            return Place(directory, name, directory, slash)
        if name == "..":
            return Place(directory, name, _above(tree, directory, confined, walk), slash)
        if slash and follow:
            raise FsError(FsCode.IS_DIRECTORY, path)
        node = tree.lookup(directory, name)
        if not follow or not isinstance(node, Symlink):
            return Place(directory, name, node, slash)
        at, (path, confined) = directory, walk.follow(node, path)


def _start(tree: Tree, at: Directory, path: str) -> Directory:
    """Where the resolution of a path begins. FsError: those of `check_path`, and of a mount that `at` has left."""
    # Most paths are spared a call.
    if not (type(path) is str and path.isascii() and 0 < len(path) < PATH_MAX and "\0" not in path):
        check_path(path)
    start = tree.root if path[0] == "/" else at
    return start if start.mount is None else start.mount.enter(start)


def check_relative(target: str) -> None:
    """Refuse an absolute target of a symlink in a mount: on the host it would lead elsewhere than in the VM."""
    if target[0] == "/":
        raise FsError(FsCode.NOT_PERMITTED, "an absolute symlink in a mount")


def _above(tree: Tree, directory: Directory, confined: bool, walk: Walk) -> Directory:
    """The directory above; `confined`: it is a symlink of a mount that asks."""
    mount = directory.mount
    if mount is None:
        return tree.parent(directory)
    walk.take(HOST_STEPS)
    if confined and mount.is_top(directory):
        raise FsError(FsCode.NOT_PERMITTED, "a symlink leads out of its mount")
    return mount.parent(directory)
