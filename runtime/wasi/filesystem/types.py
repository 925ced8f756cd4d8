"""wasi:filesystem/types: the functions of descriptors.

Beyond the WIT text, for the sake of POSIX: a path may be absolute (it starts at the VM's root), `..` may lead out of the
descriptor's directory, symlinks may have absolute targets, and link-at may follow. Nothing lies outside the root, so there
is nothing to escape to. Codes follow wasmtime's own host and Linux where the text is silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from runtime.engine import Wait, WitError
from runtime.wasi.filesystem.descriptor import Descriptor, DirectoryEntryStream, answering, method, types
from runtime.wasi.filesystem.devices import StandardInput, StandardOutput, read_standard, standard, write_standard
from runtime.wasi.filesystem.streams import FileInput, FileOutput, SyncedInput
from runtime.wasi.filesystem.sync import is_clean, save_tree, saved, sync_flags, syncs_reads, syncs_writes
from runtime.wasi.streams import MAX_TRANSFER
from wasi_fs.backend import FileType
from wasi_fs.content import DIRTY_LIMIT
from wasi_fs.errors import FsCode, FsError
from wasi_fs.handles import OpenDirectory, OpenFile

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState
    from runtime.wasi.streams import Data, InputStream, IoError, OutputStream
    from wasi_fs.inode import Inode

SECOND_NS: Final = 1_000_000_000

MAX_OPEN_FILES: Final = 4096
"""Of one guest at a time: four times what Linux lets a process have unless told otherwise."""

DIRECTORY_FLAGS: Final = ("read", "mutate-directory")

Datetime: TypeAlias = tuple[int, int]
"""Seconds and nanoseconds since 1970."""

_TYPE_NAMES: Final = ["unknown"] * (max(FileType) + 1)
"""A list, since the hash of an enum is a function in Python."""

_TYPE_NAMES[FileType.CHARACTER] = "character-device"
_TYPE_NAMES[FileType.DIRECTORY] = "directory"
_TYPE_NAMES[FileType.REGULAR] = "regular-file"
_TYPE_NAMES[FileType.SYMLINK] = "symbolic-link"


_new_tuple: Final = tuple.__new__


class DescriptorStat(NamedTuple):
    """The WIT record `descriptor-stat`."""

    type: str
    link_count: int
    size: int
    accessed: Datetime
    modified: Datetime
    changed: Datetime


# Content


@method("read")
def read(state: WasiState, self: Descriptor, length: int, offset: int) -> tuple[Data, bool] | Wait:
    """(content, whether it reaches the end of the file); at most MAX_TRANSFER bytes."""
    file = self.file()
    if standard(file) is not None:
        return read_standard(state, file, min(length, MAX_TRANSFER))
    if syncs_reads(self.sync_flags) and not is_clean(state, file):
        return Wait(_read_synced, state, file, min(length, MAX_TRANSFER), offset)
    return _read(file, min(length, MAX_TRANSFER), offset)


async def _read_synced(state: WasiState, file: OpenFile, length: int, offset: int) -> tuple[Data, bool]:
    with file.duplicate() as held:
        await saved(state, held)
        try:
            return _read(held, length, offset)
        except FsError as error:
            raise WitError(error.code.value) from None


def _read(file: OpenFile, length: int, offset: int) -> tuple[Data, bool]:
    data = file.read(offset, length)
    if not file.node.sized:
        return data, not data
    file.node.refresh()
    return data, offset + len(data) >= file.node.size


@method("write", views=True)
def write(state: WasiState, self: Descriptor, data: Data, offset: int) -> int | Wait:
    """How many bytes were written: all of them, but at most MAX_TRANSFER. Waits while too much is unsaved."""
    if len(data) > MAX_TRANSFER:
        data = memoryview(data)[:MAX_TRANSFER]
    if standard(self.file()) is not None:
        return write_standard(state, self.file(), data)
    if state.filesystem.unsaved_bytes >= DIRTY_LIMIT:
        return Wait(_write_later, state, self, bytes(data), offset)
    self.file().write(offset, data)
    return Wait(saved, state, self.handle, len(data)) if syncs_writes(self.sync_flags) and data else len(data)


async def _write_later(state: WasiState, self: Descriptor, data: bytes, offset: int) -> int:
    try:
        await save_tree(state)
        self.file().write(offset, data)
    except FsError as error:
        raise WitError(error.code.value) from None
    if syncs_writes(self.sync_flags):
        await saved(state, self.handle)
    return len(data)


@method("set-size", changes=True)
def set_size(_state: WasiState, self: Descriptor, size: int) -> None:
    """Cut the file off, or extend it with zeros."""
    self.file().truncate(size)


@method("read-via-stream")
def read_via_stream(state: WasiState, self: Descriptor, offset: int) -> InputStream:
    """The content from `offset` to the end."""
    file = self.file()
    if not file.readable:
        raise FsError(FsCode.BAD_DESCRIPTOR)
    if standard(file) is not None:
        return StandardInput(state, file)
    if syncs_reads(self.sync_flags):
        return SyncedInput(file.duplicate(), offset, state)
    return FileInput(file.duplicate(), offset)


@method("write-via-stream")
def write_via_stream(state: WasiState, self: Descriptor, offset: int) -> OutputStream:
    """Writes from `offset` on."""
    return _output(state, self, offset)


@method("append-via-stream")
def append_via_stream(state: WasiState, self: Descriptor) -> OutputStream:
    """Writes at the end, wherever that is at each write."""
    return _output(state, self, None)


def _output(state: WasiState, self: Descriptor, offset: int | None) -> OutputStream:
    file = self.file()
    if not file.writable:
        raise FsError(FsCode.BAD_DESCRIPTOR)
    if standard(file) is not None:
        return StandardOutput(state, file)
    return FileOutput(file.duplicate(), offset, state, synced=syncs_writes(self.sync_flags))


@method("advise")
def advise(_state: WasiState, self: Descriptor, _offset: int, _length: int, _advice: str) -> None:
    """Nothing is to be gained here by knowing."""
    self.file()


@method("sync")
def sync(state: WasiState, self: Descriptor) -> Wait | None:
    """Return when all that the VM has written so far is durable; of a host directory's files this one."""
    return None if is_clean(state, self.handle) else Wait(saved, state, self.handle)


@method("sync-data")
def sync_data(state: WasiState, self: Descriptor) -> Any:
    """As sync: a change set has data and attributes in one."""
    return sync(state, self)


# Attributes


@method("get-flags")
def get_flags(_state: WasiState, self: Descriptor) -> tuple[str, ...]:
    """What the descriptor was opened for."""
    handle = self.handle
    if not isinstance(handle, OpenFile):
        return DIRECTORY_FLAGS + self.sync_flags
    return ("read",) * handle.readable + ("write",) * handle.writable + self.sync_flags


@method("get-type")
def get_type(_state: WasiState, self: Descriptor) -> str:
    """The descriptor's type."""
    return _TYPE_NAMES[self.handle.node.type]


@method("stat")
def stat(_state: WasiState, self: Descriptor) -> DescriptorStat:
    """The attributes of what is open."""
    self.handle.node.refresh()
    return _stat(self.handle.node)


@method("stat-at")
def stat_at(state: WasiState, self: Descriptor, path_flags: frozenset[str], path: str) -> DescriptorStat:
    """The attributes of what the path names."""
    return _stat(_resolve(state, self, path_flags, path))


def _stat(node: Inode) -> DescriptorStat:
    accessed, modified, changed = node.atime, node.mtime, node.ctime
    if accessed < 0 or modified < 0 or changed < 0:  # datetime's seconds are unsigned
        accessed, modified, changed = max(accessed, 0), max(modified, 0), max(changed, 0)
    modified_at = divmod(modified, SECOND_NS)
    # Not by the class's own constructor, which is a function in Python: this is the most frequent call of all.
    return _new_tuple(
        DescriptorStat,
        (
            _TYPE_NAMES[node.type],
            node.nlink,
            node.size,
            divmod(accessed, SECOND_NS),
            modified_at,
            modified_at if changed == modified else divmod(changed, SECOND_NS),
        ),
    )


def _resolve(state: WasiState, self: Descriptor, path_flags: frozenset[str], path: str) -> Inode:
    return state.filesystem.resolve(path, at=self.directory(), follow="symlink-follow" in path_flags)


@method("set-times", changes=True)
def set_times(state: WasiState, self: Descriptor, accessed: tuple[str, Any], modified: tuple[str, Any]) -> None:
    """Set the times of what is open."""
    _set_times(state, self.handle.node, accessed, modified)


@method("set-times-at", changes=True)
def set_times_at(
    state: WasiState,
    self: Descriptor,
    path_flags: frozenset[str],
    path: str,
    accessed: tuple[str, Any],
    modified: tuple[str, Any],
) -> None:
    """Set the times of what the path names."""
    _set_times(state, _resolve(state, self, path_flags, path), accessed, modified)


def _set_times(state: WasiState, node: Inode, accessed: tuple[str, Any], modified: tuple[str, Any]) -> None:
    now = state.filesystem.clock()
    state.filesystem.set_times(node, _new_time(accessed, now), _new_time(modified, now))


def _new_time(new: tuple[str, Any], now: int) -> int | None:
    """The WIT variant `new-timestamp` in nanoseconds; None: no change."""
    case, payload = new
    if case == "no-change":
        return None
    if case == "now":
        return now
    seconds, nanoseconds = payload
    if nanoseconds >= SECOND_NS:
        raise FsError(FsCode.INVALID)
    return int(seconds * SECOND_NS + nanoseconds)


@method("is-same-object")
def is_same_object(_state: WasiState, self: Descriptor, other: Descriptor) -> bool:
    """Whether both are the same inode."""
    return self.handle.node.ino == other.handle.node.ino


@method("metadata-hash")
def metadata_hash(_state: WasiState, self: Descriptor) -> tuple[int, int]:
    """(lower, upper): the inode number, which libc shows as st_ino, and which is never used twice."""
    return self.handle.node.ino, 0


@method("metadata-hash-at")
def metadata_hash_at(state: WasiState, self: Descriptor, path_flags: frozenset[str], path: str) -> tuple[int, int]:
    """As metadata-hash, of what the path names."""
    return _resolve(state, self, path_flags, path).ino, 0


# Names


def _may_create(
    _self: Descriptor, _path_flags: frozenset[str], _path: str, open_flags: frozenset[str], _flags: frozenset[str]
) -> bool:
    return "create" in open_flags


@method("open-at", changes=_may_create)
def open_at(
    state: WasiState,
    self: Descriptor,
    path_flags: frozenset[str],
    path: str,
    open_flags: frozenset[str],
    flags: frozenset[str],
) -> Descriptor:
    """Open, and create if asked to. What is not opened for writing is opened for reading."""
    if state.open_files >= MAX_OPEN_FILES:
        raise FsError(FsCode.INSUFFICIENT_MEMORY)  # WASI has no EMFILE: libc says ENOMEM
    writable = "write" in flags
    handle = state.filesystem.open(
        path,
        at=self.directory(),
        follow="symlink-follow" in path_flags,
        read="read" in flags or not writable,
        write=writable,
        create="create" in open_flags,
        exclusive="exclusive" in open_flags,
        truncate="truncate" in open_flags,
        directory="directory" in open_flags,
    )
    state.open_files += 1
    return Descriptor(handle, state, sync_flags(flags))


@method("read-directory")
def read_directory(_state: WasiState, self: Descriptor) -> DirectoryEntryStream:
    """All entries, without `.` and `..`."""
    if not isinstance(self.handle, OpenDirectory):
        raise FsError(FsCode.NOT_DIRECTORY)
    return DirectoryEntryStream(self.handle)


@types.function("[method]directory-entry-stream.read-directory-entry")
@answering
def read_directory_entry(_state: WasiState, self: DirectoryEntryStream) -> tuple[str, str] | None:
    """The next (type, name); None at the end."""
    entry = next(self.entries, None)
    return None if entry is None else (_TYPE_NAMES[entry.type], entry.name)


@method("create-directory-at", changes=True)
def create_directory_at(state: WasiState, self: Descriptor, path: str) -> None:
    """Make a directory."""
    state.filesystem.mkdir(path, at=self.directory())


@method("remove-directory-at", changes=True)
def remove_directory_at(state: WasiState, self: Descriptor, path: str) -> None:
    """Remove an empty directory."""
    state.filesystem.rmdir(path, at=self.directory())


@method("unlink-file-at", changes=True)
def unlink_file_at(state: WasiState, self: Descriptor, path: str) -> None:
    """Remove a name that is not a directory's."""
    state.filesystem.unlink(path, at=self.directory())


@method("rename-at", changes=True)
def rename_at(state: WasiState, self: Descriptor, old: str, new_descriptor: Descriptor, new: str) -> None:
    """Move a name, over what is in its place."""
    state.filesystem.rename(old, new, at=self.directory(), new_at=new_descriptor.directory())


@method("link-at", changes=True)
def link_at(
    state: WasiState, self: Descriptor, path_flags: frozenset[str], old: str, new_descriptor: Descriptor, new: str
) -> None:
    """Give a file a further name."""
    follow = "symlink-follow" in path_flags
    state.filesystem.link(old, new, at=self.directory(), new_at=new_descriptor.directory(), follow=follow)


@method("symlink-at", changes=True)
def symlink_at(state: WasiState, self: Descriptor, target: str, path: str) -> None:
    """Make a symlink."""
    state.filesystem.symlink(target, path, at=self.directory())


@method("readlink-at")
def readlink_at(state: WasiState, self: Descriptor, path: str) -> str:
    """A symlink's target."""
    return state.filesystem.readlink(path, at=self.directory())


@types.function("filesystem-error-code")
def filesystem_error_code(_state: WasiState, error: IoError) -> str | None:
    """The code behind a stream's error, if it came from a file."""
    return error.code.value if isinstance(error.code, FsCode) else None


INTERFACES: Final = (types,)
