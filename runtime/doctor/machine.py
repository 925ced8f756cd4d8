"""The machine: the cache of machine code, the engine, the disk, the limits, the versions."""

from __future__ import annotations

import mmap
import os
import platform
import resource
import tempfile
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import apsw
import trio
import wasmtime

from runtime.doctor.finding import Finding, fail, ok, warn
from runtime.doctor.state import private_directory
from runtime.engine import Limits
from runtime.network.authorities import AuthoritiesError, authorities, named
from runtime.posix.host import make_engine
from runtime.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WANTED_DESCRIPTORS: Final = 1024
"""What Linux gives by default: half for 512 connections (`runtime.rpc.server.MAX_CONNECTIONS`), half for files and guests."""

LEAST_DESCRIPTORS: Final = 256
"""Below it a few dozen clients and guests are refused."""

WANTED_BYTES: Final = 1024**3
"""Room for the machine code of some agents and the log of a large import."""

LEAST_BYTES: Final = 64 * 1024**2
"""One agent's machine code: with less nothing new can be started."""

LEAST_INODES: Final = 100
"""Files of a cache, a log and a state with its companions."""

TINY: Final = """
(component
  (core module $code (memory 1) (func (export "run") (result i32) i32.const 0))
  (core instance $instance (instantiate $code))
  (func $run (result (result)) (canon lift (core func $instance "run")))
  (instance $face (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $face)))
"""
"""A command that ends at once, with a memory: for each one the engine reserves gigabytes of addresses."""


def check_versions() -> Finding:
    """What this program is made of; its parts are pinned, so that there is nothing to be wrong."""
    parts = (
        f"Python {platform.python_version()}",
        f"wasmtime {version('wasmtime')}",
        f"SQLite {apsw.sqlite_lib_version()}",
    )
    return ok("versions", f"torpor {VERSION}, {', '.join(parts)}")


def check_authorities() -> Finding:
    """Who vouches for the hosts that agents reach, by this command's environment, which a daemon that it starts has, too."""
    try:
        authorities()
    except AuthoritiesError as error:
        return fail("certificates", str(error), "name a PEM file of authorities, or unset the variable")
    return ok("certificates", "those that the environment names" if named() else "the public authorities")


def check_cache(directory: Path) -> Iterator[Finding]:
    """The cache of compiled components: private, writable, and not on a file system from which nothing may run."""
    elsewhere = "name another place in TORPOR_CACHE"
    found = private_directory("cache", directory)
    yield found
    if found.verdict != "ok":
        return
    place = existing(directory)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(mmap.PAGESIZE))
            file.flush()
            mmap.mmap(
                file.fileno(), mmap.PAGESIZE, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC
            ).close()
    except PermissionError:
        text = f"code in {place} cannot be run: is its file system mounted noexec, or its owner another one?"
        yield fail("machine code", text, elsewhere)
    except OSError as error:
        yield fail("machine code", f"{place}: {error.strerror}", elsewhere)
    else:
        yield ok("machine code", f"code in {place} can be run")


def check_engine() -> Finding:
    """Compiles a tiny component and runs it."""

    async def run() -> str:
        engine = make_engine()
        ended = await engine.guest(engine.load_bytes(bytes(wasmtime.wat2wasm(TINY))), None, Limits()).run()
        return "" if (ended.reason, ended.code) == ("exit", 0) else f"{ended.reason}: {ended.message}"

    try:
        trouble = trio.run(run)
    except (wasmtime.WasmtimeError, OSError, MemoryError) as error:
        trouble = str(error).strip().splitlines()[-1].strip() if str(error) else type(error).__name__
    if trouble:
        advice = (
            "agents need gigabytes of addresses (not of memory) each: raise `ulimit -v`; and x86-64-v2 instructions"
        )
        return fail("engine", f"a tiny component does not run: {trouble}", advice)
    return ok("engine", "a tiny component compiles and runs")


def check_disk(check: str, directory: Path) -> Finding:
    """The room where `directory` is or will be."""
    place = existing(directory)
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    inodes = found.f_favail if found.f_files else LEAST_INODES
    text = f"{free / 1e9:.1f} GB free at {place}"
    remedy = "make room: nothing can be committed on a full disk"
    if free < LEAST_BYTES:
        return fail(check, f"{free / 1e6:.1f} MB free at {place}", remedy)
    if inodes < LEAST_INODES:
        return fail(check, f"{inodes} files can be made at {place}", remedy)
    return ok(check, text) if free >= WANTED_BYTES else warn(check, text, remedy)


def check_limits() -> Finding:
    """How many descriptors a daemon that is started here may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < WANTED_DESCRIPTORS:
        text, remedy = (
            f"a process may have {soft} open files",
            f"ulimit -n {WANTED_DESCRIPTORS} before the daemon starts",
        )
        return (fail if soft < LEAST_DESCRIPTORS else warn)("limits", text, remedy)
    return ok("limits", f"a process may have {soft} open files")


def existing(directory: Path) -> Path:
    """The directory, or the nearest above it that there is."""
    while not directory.is_dir() and directory != directory.parent:
        directory = directory.parent
    return directory
