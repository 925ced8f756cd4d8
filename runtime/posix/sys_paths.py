"""torpor:posix/sys: files by their names."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from runtime.posix.calls import call, write_bytes
from runtime.posix.descriptions import Description, File, Folder, How
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.names import descriptor_of, name, opened, text, told_path
from runtime.posix.numbers import AS_IT_IS, DONE, EXECUTABLE, EXECUTE, NOW
from runtime.posix.stats import put_record
from runtime.posix.terminal import Terminal, TerminalDescription
from wasi_fs import FsError, OpenDirectory
from wasi_fs.backend import PERMISSIONS
from wasi_fs.base.nodes import is_of_base
from wasi_fs.device import STANDARD, Device, Kind
from wasi_fs.inode import Directory

if TYPE_CHECKING:
    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess


_ENTRY: Final = struct.Struct("<QHB")
_STREAMS: Final = {Kind.STDIN: 0, Kind.STDOUT: 1, Kind.STDERR: 2}


@call("open", changes=True)
def open_(process: PosixProcess, memory: Context, at: int, path: int, size: int, how: int, mode: int) -> int:
    """openat(2). What stands for a descriptor, such as /dev/stdin, is opened as dup(2) would."""
    place = name(process, memory, at, path, size)
    closes = bool(how & How.CLOSE_ON_EXEC)
    process.table.check_room(1)
    if (number := descriptor_of(process, place.path)) is not None:
        return _open_again(process, number, how, closes=closes)
    if place.path == "/dev/tty":
        return process.table.add(_controlling(process, how & How.KEPT), closes=closes)
    told = told_path(process, at, place.path)
    handle = process.kernel.filesystem.open(
        place.path,
        at=place.at,
        follow=not how & How.NO_FOLLOW,
        read=bool(how & How.READ),
        write=bool(how & How.WRITE),
        create=bool(how & How.CREATE),
        exclusive=bool(how & How.EXCLUSIVE),
        truncate=bool(how & How.TRUNCATE),
        directory=bool(how & How.DIRECTORY),
        mode=mode & PERMISSIONS & ~process.umask,
    )
    description: Description
    if isinstance(handle, OpenDirectory):
        description = Folder(handle, how & How.KEPT, told)
    elif isinstance(handle.node, Device) and handle.node.kind in STANDARD:
        number = _STREAMS[handle.node.kind]
        handle.close()
        return _open_again(process, number, how, closes=closes)
    else:
        description = File(handle, how & How.KEPT, told)
    return process.table.add(description, closes=closes)


def _controlling(process: PosixProcess, flags: int) -> Description:
    """What /dev/tty is. PosixError ENXIO."""
    if process.terminal is None:
        raise PosixError(Errno.ENXIO)
    assert isinstance(process.terminal, Terminal)
    return TerminalDescription(process.terminal, flags)


def _open_again(process: PosixProcess, number: int, how: int, *, closes: bool) -> int:
    description = process.table.get(number)
    if description is None:
        raise PosixError(Errno.ENOENT)
    wanted = how & (How.READ | How.WRITE)
    if wanted & ~description.flags:
        raise PosixError(Errno.EACCES)
    return process.table.add(description, closes=closes)


# Attributes


@call("stat")
def stat(process: PosixProcess, memory: Context, at: int, path: int, size: int, how: int, to: int) -> int:
    """fstatat(2)."""
    description = None if size else opened(process, at, size)
    if description is None:
        place = name(process, memory, at, path, size)
        itself = bool(how & How.NO_FOLLOW) and place.path.startswith("/proc/")  # there, it is a link
        if itself or (number := descriptor_of(process, place.path)) is None:
            node = process.kernel.filesystem.resolve(place.path, at=place.at, follow=not how & How.NO_FOLLOW)
            put_record(memory, to, node, node)
            return DONE
        description = process.table.get(number)
        if description is None:
            raise PosixError(Errno.ENOENT)
    if isinstance(description, File | Folder):
        node = description.handle.node
        node.refresh()
        put_record(memory, to, node, node)
    else:
        put_record(memory, to, description.stat(), None)
    return DONE


def _file(description: Description) -> File | Folder:
    if not isinstance(description, File | Folder):
        raise PosixError(Errno.EINVAL)
    return description


@call("change-mode", changes=True)
def change_mode(process: PosixProcess, memory: Context, at: int, path: int, size: int, how: int, mode: int) -> int:
    """fchmodat(2)."""
    files, mode = process.kernel.filesystem, mode & PERMISSIONS
    if (description := opened(process, at, size)) is not None:
        files.set_mode(_file(description).handle.node, mode)
    else:
        place = name(process, memory, at, path, size)
        files.chmod(place.path, mode, at=place.at, follow=not how & How.NO_FOLLOW)
    return DONE


@call("set-times", changes=True)
def set_times(
    process: PosixProcess, memory: Context, at: int, path: int, size: int, how: int, atime: int, mtime: int
) -> int:
    """utimensat(2)."""
    files = process.kernel.filesystem
    special = {NOW: files.clock(), AS_IT_IS: None}
    times = special.get(atime, atime), special.get(mtime, mtime)
    if (description := opened(process, at, size)) is not None:
        files.set_times(_file(description).handle.node, *times)
    else:
        place = name(process, memory, at, path, size)
        files.utimes(place.path, *times, at=place.at, follow=not how & How.NO_FOLLOW)
    return DONE


@call("access")
def access(process: PosixProcess, memory: Context, at: int, path: int, size: int, mode: int) -> int:
    """faccessat(2): all of a VM are its root, to whom only a file that nobody executes, and what is sealed, is closed."""
    place = name(process, memory, at, path, size)
    if (number := descriptor_of(process, place.path)) is not None:
        if process.table.get(number) is None:
            raise PosixError(Errno.ENOENT)
        return DONE
    node = process.kernel.filesystem.resolve(place.path, at=place.at)
    if mode & How.WRITE and node.read_only and not is_of_base(node):  # the base's are copied
        raise PosixError(Errno.EROFS)
    if mode & EXECUTE and not isinstance(node, Directory) and not node.mode & EXECUTABLE:
        raise PosixError(Errno.EACCES)
    return DONE


# Names


@call("list")
def list_(process: PosixProcess, memory: Context, fd: int, to: int, size: int) -> int:
    """getdents(2), with `.` and `..`."""
    folder = process.table[fd].description
    if not isinstance(folder, Folder):
        raise PosixError(Errno.ENOTDIR)
    memory.reach(to + size)
    pieces: list[bytes] = []
    left = size
    try:
        for entry in folder.listing(process.kernel.filesystem):
            name_, kind, ino = entry
            encoded = name_.encode()
            length = _ENTRY.size + len(encoded) + 1
            if length > left:
                folder.put_back(entry)
                if not pieces:
                    raise PosixError(Errno.EINVAL)
                break
            left -= length
            pieces.append(_ENTRY.pack(ino, length, kind) + encoded + b"\0")
    except FsError:
        if not pieces:  # else it is for the next call to say
            raise
    return write_bytes(memory, to, b"".join(pieces))


@call("make-directory", changes=True)
def make_directory(process: PosixProcess, memory: Context, at: int, path: int, size: int, mode: int) -> int:
    """mkdirat(2)."""
    place = name(process, memory, at, path, size)
    process.kernel.filesystem.mkdir(place.path, mode & PERMISSIONS & ~process.umask, at=place.at)
    return DONE


@call("remove", changes=True)
def remove(process: PosixProcess, memory: Context, at: int, path: int, size: int, how: int) -> int:
    """unlinkat(2)."""
    place = name(process, memory, at, path, size)
    files = process.kernel.filesystem
    (files.rmdir if how & How.DIRECTORY else files.unlink)(place.path, at=place.at)
    return DONE


@call("rename", changes=True)
def rename(
    process: PosixProcess, memory: Context, at: int, path: int, size: int, to_at: int, to_path: int, to_size: int
) -> int:
    """renameat(2)."""
    old, new = name(process, memory, at, path, size), name(process, memory, to_at, to_path, to_size)
    process.kernel.filesystem.rename(old.path, new.path, at=old.at, new_at=new.at)
    return DONE


@call("link", changes=True)
def link(
    process: PosixProcess,
    memory: Context,
    at: int,
    path: int,
    size: int,
    to_at: int,
    to_path: int,
    to_size: int,
    how: int,
) -> int:
    """linkat(2), which follows unless told not to."""
    old, new = name(process, memory, at, path, size), name(process, memory, to_at, to_path, to_size)
    follow = not how & How.NO_FOLLOW
    process.kernel.filesystem.link(old.path, new.path, at=old.at, new_at=new.at, follow=follow)
    return DONE


@call("make-symlink", changes=True)
def make_symlink(
    process: PosixProcess, memory: Context, target: int, target_size: int, at: int, path: int, size: int
) -> int:
    """symlinkat(2)."""
    place = name(process, memory, at, path, size)
    process.kernel.filesystem.symlink(text(memory, target, target_size), place.path, at=place.at)
    return DONE


@call("read-link")
def read_link(process: PosixProcess, memory: Context, at: int, path: int, size: int, to: int, room: int) -> int:
    """readlinkat(2), but for the answer: the whole length."""
    place = name(process, memory, at, path, size)
    return _told(memory, process.kernel.filesystem.readlink(place.path, at=place.at), to, room)


def _told(memory: Context, path: str, to: int, room: int) -> int:
    encoded = path.encode()
    write_bytes(memory, to, encoded[:room])
    return len(encoded)


# Where a process is


@call("change-directory")
def change_directory(process: PosixProcess, memory: Context, at: int, path: int, size: int) -> int:
    """chdir(2) and fchdir(2)."""
    description = opened(process, at, size)
    if description is not None:
        if not isinstance(description, Folder):
            raise PosixError(Errno.ENOTDIR)
        handle, told = description.handle.duplicate(), description.path
    else:
        place = name(process, memory, at, path, size)
        told = told_path(process, at, place.path)
        found = process.kernel.filesystem.open(place.path, at=place.at, directory=True)
        assert isinstance(found, OpenDirectory)
        handle = found
    process.move_to(handle, told)
    return DONE


@call("working-directory")
def working_directory(process: PosixProcess, memory: Context, to: int, room: int) -> int:
    """getcwd(3), but for the answer: the whole length."""
    return _told(memory, process.kernel.filesystem.path_of(process.cwd.node), to, room)


@call("real-path")
def real_path(process: PosixProcess, memory: Context, at: int, path: int, size: int, to: int, room: int) -> int:
    """realpath(3), but for the answer: the whole length."""
    place = name(process, memory, at, path, size)
    return _told(memory, process.kernel.filesystem.real_path(place.path, at=place.at), to, room)
