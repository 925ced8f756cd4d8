"""
Runs a core module that is a POSIX process on this machine, for builds: what a program makes of files at build time, such as a
compiler that compiles its own library. It has files, arguments, environment, clocks and chance, and no other processes.

    python build/run_here.py [--place PATH=HERE ...] [--env NAME=VALUE ...] [--image OUTPUT] MODULE [ARGUMENT ...]

PATH, to the program, is what is HERE; all other paths are as on this machine. A module is compiled once, into a file beside it.
OUTPUT is the module with the memory that it has at its end, if it ends well: an image of it, in which its work is done.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
import time
from pathlib import Path
from struct import pack
from typing import TYPE_CHECKING, Any

import wasmtime
from image import with_memory

from runtime.engine.features import WASM_STACK_BYTES
from runtime.posix.errnos import Errno

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RUN = "wasi:cli/run@0.2.12#run"
CWD = -100
READ, WRITE, CREATE, EXCLUSIVE, TRUNCATE, APPEND, DIRECTORY, NO_LINK = (1 << bit for bit in range(8))
"""Bits of `how`, as torpor:posix/sys has them."""


class ExitError(Exception):
    """The program has ended."""

    def __init__(self, status: int) -> None:
        super().__init__(f"exit status {status}")
        self.status = status


class Here:
    """The calls of torpor:posix/sys that programs make which only work on files."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        places: Mapping[str, Path],
        directory: str = "/",
    ) -> None:
        self._arguments = arguments
        self._directory = directory
        """The working directory, as the program knows it."""
        self._environment = [f"{name}={value}" for name, value in environment.items()]
        self._places = places
        """Paths that the program knows, and where these are here; what lies in none of them is not there."""
        self._open = {fd: os.dup(fd) for fd in range(3)}
        self._paths: dict[int, str] = {}
        self._left: dict[int, list[os.DirEntry[str]]] = {}
        self._store: wasmtime.Store
        self._memory: wasmtime.Memory

    def run(self, module: wasmtime.Module, store: wasmtime.Store) -> int:
        """The exit status."""
        linker = wasmtime.Linker(store.engine)
        for each in module.imports:
            assert isinstance(each.type, wasmtime.FuncType), each.module
            linker.define_func(each.module, str(each.name), each.type, self._call(str(each.name)))
        instance = linker.instantiate(store, module)
        exports = instance.exports(store)
        memory, program = exports["memory"], exports[RUN]
        assert isinstance(memory, wasmtime.Memory)
        assert isinstance(program, wasmtime.Func)
        self._store, self._memory = store, memory
        status = 0
        try:
            program(store)
        except ExitError as ended:
            status = ended.status
        finally:
            for fd in self._open.values():
                os.close(fd)
        return status

    def memory(self) -> bytes:
        """What the program has left in its memory."""
        return bytes(self._memory.read(self._store, 0, self._memory.data_len(self._store)))

    def _call(self, name: str) -> Any:
        method = getattr(self, f"sys_{name.replace('-', '_')}", None)

        def call(*given: int) -> int:
            if method is None:
                return -Errno.ENOSYS
            try:
                return int(method(*given) or 0)
            except OSError as error:
                return -Errno[errno.errorcode[error.errno or errno.EIO]]
            except KeyError:
                return -Errno.EBADF

        return call

    def _text(self, at: int, size: int) -> str:
        return bytes(self._memory.read(self._store, at, at + size)).decode()

    def _put(self, at: int, data: bytes) -> int:
        self._memory.write(self._store, data, at)
        return len(data)

    def _pairs(self, at: int, count: int) -> list[tuple[int, int]]:
        words = memoryview(self._memory.read(self._store, at, at + 8 * count)).cast("I")
        return [(words[2 * i], words[2 * i + 1]) for i in range(count)]

    def _inner(self, at: int, path: int, size: int) -> str:
        """A path as the program knows it."""
        given = self._text(path, size)
        return os.path.normpath(Path(self._directory if at == CWD else self._paths[at]) / given)

    def _path(self, at: int, path: int, size: int) -> Path:
        inner = self._inner(at, path, size)
        for place, here in self._places.items():
            if inner == place or inner.startswith(f"{place.rstrip('/')}/"):
                return here / os.path.relpath(inner, place)
        raise FileNotFoundError(errno.ENOENT, inner)

    def sys_arguments(self, at: int, size: int) -> int:
        text = "".join(f"{word}\0" for word in [*self._arguments, *self._environment]).encode()
        data = pack("<II", len(self._arguments), len(self._environment)) + text
        return self._put(at, data) if len(data) <= size else len(data)

    def sys_exit(self, status: int) -> None:
        raise ExitError(status)

    def sys_id(self, which: int, _pid: int) -> int:
        return int(which != 1)

    def sys_open(self, at: int, path: int, size: int, how: int, mode: int) -> int:
        flags = (os.O_RDWR if how & READ else os.O_WRONLY) if how & WRITE else os.O_RDONLY
        wanted = {CREATE: os.O_CREAT, EXCLUSIVE: os.O_EXCL, TRUNCATE: os.O_TRUNC, APPEND: os.O_APPEND}
        flags |= sum(flag for bit, flag in wanted.items() if how & bit)
        flags |= os.O_DIRECTORY if how & DIRECTORY else 0
        opened = os.open(self._path(at, path, size), flags, mode)
        fd = next(number for number in range(len(self._open) + 1) if number not in self._open)
        self._open[fd], self._paths[fd] = opened, self._inner(at, path, size)
        self._left.pop(fd, None)
        return fd

    def sys_close(self, fd: int) -> None:
        os.close(self._open.pop(fd))

    def sys_read(self, fd: int, to: int, size: int) -> int:
        return self._put(to, os.read(self._open[fd], size))

    def sys_write(self, fd: int, at: int, size: int) -> int:
        return os.write(self._open[fd], self._memory.read(self._store, at, at + size))

    def sys_readv(self, fd: int, pairs: int, count: int) -> int:
        done = 0
        for at, size in self._pairs(pairs, count):
            done += (got := self.sys_read(fd, at, size))
            if got < size:
                break
        return done

    def sys_writev(self, fd: int, pairs: int, count: int) -> int:
        return sum(self.sys_write(fd, at, size) for at, size in self._pairs(pairs, count))

    def sys_seek(self, fd: int, offset: int, whence: int) -> int:
        self._left.pop(fd, None)
        return os.lseek(self._open[fd], offset, whence)

    def sys_control(self, fd: int, what: int, _value: int) -> int:
        """Nothing is inherited by anybody; all files can be read and written as far as a program asks."""
        os.fstat(self._open[fd])  # is it open?
        return READ | WRITE if what == 2 else 0  # noqa: PLR2004 - what torpor:posix/sys says

    def sys_stat(self, at: int, path: int, size: int, how: int, to: int) -> None:
        link = bool(how & NO_LINK)
        found = self._path(at, path, size).stat(follow_symlinks=not link) if size else os.fstat(self._open[at])
        numbers = (found.st_dev, found.st_ino, found.st_mode, found.st_nlink, found.st_size)
        times = (found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns)
        self._put(to, pack("<QQIIqqqqQ", *numbers, *times, found.st_blocks))

    def sys_list(self, fd: int, to: int, size: int) -> int:
        if fd not in self._left:
            with os.scandir(self._open[fd]) as entries:
                self._left[fd] = sorted(entries, key=lambda entry: entry.name, reverse=True)
        block, left = b"", self._left[fd]
        while left:
            name, kind = os.fsencode(left[-1].name), 4 if left[-1].is_dir() else 8
            entry = pack("<QHB", left[-1].inode(), 12 + len(name), kind) + name + b"\0"
            if len(block) + len(entry) > size:
                break
            block += entry
            left.pop()
        return self._put(to, block)

    def sys_make_directory(self, at: int, path: int, size: int, mode: int) -> None:
        self._path(at, path, size).mkdir(mode)

    def sys_remove(self, at: int, path: int, size: int, how: int) -> None:
        found = self._path(at, path, size)
        (found.rmdir if how & DIRECTORY else found.unlink)()

    def sys_rename(self, at: int, path: int, size: int, to_at: int, to_path: int, to_size: int) -> None:
        self._path(at, path, size).rename(self._path(to_at, to_path, to_size))

    def sys_read_link(self, at: int, path: int, size: int, to: int, room: int) -> int:
        target = os.fsencode(self._path(at, path, size).readlink())
        self._put(to, target[:room])
        return len(target)

    def sys_access(self, at: int, path: int, size: int, _mode: int) -> None:
        self._path(at, path, size).stat()

    def sys_change_mode(self, at: int, path: int, size: int, _how: int, mode: int) -> None:
        self._path(at, path, size).chmod(mode)

    def sys_set_times(self, at: int, path: int, size: int, how: int, accessed: int, modified: int) -> None:
        """All that is here was made just now."""

    def sys_working_directory(self, to: int, size: int) -> int:
        directory = os.fsencode(self._directory)
        self._put(to, directory[:size])
        return len(directory)

    def sys_real_path(self, at: int, path: int, size: int, to: int, room: int) -> int:
        self._path(at, path, size).stat()
        inner = os.fsencode(self._inner(at, path, size))
        self._put(to, inner[:room])
        return len(inner)

    def sys_get_terminal(self, _fd: int, _to: int) -> int:
        return -Errno.ENOTTY

    def sys_clock(self, which: int) -> int:
        return (time.time_ns, time.monotonic_ns, time.process_time_ns)[which]()

    def sys_random(self, to: int, size: int) -> int:
        return self._put(to, os.urandom(size))


def compiled(path: Path) -> tuple[wasmtime.Module, wasmtime.Engine]:
    """The module of a file, and what it runs in."""
    config = wasmtime.Config()
    config.wasm_exceptions = True
    config.max_wasm_stack = WASM_STACK_BYTES
    engine = wasmtime.Engine(config)
    kept = path.with_name(f"{path.name}.compiled")
    if not kept.exists() or kept.stat().st_mtime_ns < path.stat().st_mtime_ns:
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        unfinished.write_bytes(wasmtime.Module.from_file(engine, str(path)).serialize())
        unfinished.rename(kept)
    return wasmtime.Module.deserialize_file(engine, str(kept)), engine


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Runs a POSIX process of a core module on this machine.")
    parser.add_argument("--place", action="append", default=[], metavar="PATH=HERE", help="where PATH is here")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="a variable")
    parser.add_argument(
        "--image", type=Path, help="write the module here with the memory that it leaves when it ends well"
    )
    parser.add_argument("module", type=Path)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    places = {path: Path(here).absolute() for path, _, here in (place.partition("=") for place in options.place)}
    module, engine = compiled(options.module)
    words = [next((path for path, here in places.items() if here == options.module.absolute()), str(options.module))]
    environment = dict(variable.split("=", 1) for variable in options.env)
    here = Here([*words, *options.arguments], environment, {**places, "/": Path("/")}, str(Path.cwd()))
    status = here.run(module, wasmtime.Store(engine))
    if status == 0 and options.image:
        options.image.write_bytes(with_memory(options.module.read_bytes(), here.memory()))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
