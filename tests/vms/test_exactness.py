"""What sleep keeps of a filesystem: everything, to the byte and the nanosecond."""

from __future__ import annotations

import hashlib
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from runtime.posix.host import make_engine
from runtime.store import open_store
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import Host, open_host
from tests.walking import walk
from wasi_fs import CHUNK_SIZE, FileSystem, FileType, OpenFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MIB = 1024 * 1024


@asynccontextmanager
async def host_on(directory: Path) -> AsyncIterator[Host]:
    """A host without agents on the state file in this directory."""
    catalogue = Catalogue(directory / "agents")
    async with open_store(directory / "state.db") as store, open_host(store, make_engine(), catalogue) as host:
        yield host


def everything(fs: FileSystem) -> dict[str, Any]:
    """All that can be seen of the tree, but the access times that looking changes, and /proc."""
    found: dict[str, Any] = {}
    for path, stat in walk(fs, "/"):
        if path.partition("/")[0] == "proc":
            continue
        content: object = None
        if stat.type is FileType.REGULAR:
            digest = hashlib.blake2b()
            handle = fs.open(path)
            assert isinstance(handle, OpenFile)
            for offset in range(0, stat.size, MIB):
                digest.update(handle.read(offset, MIB))
            handle.close()
            content = digest.hexdigest()
        elif stat.type is FileType.SYMLINK:
            content = fs.readlink(path)
        found[path] = (stat._replace(atime=0), content)
    return found


def build(fs: FileSystem) -> None:
    fs.write_file("/home/user/plain.txt", b"text\n")
    fs.write_file("/home/user/script", b"#!/bin/sh\n", mode=0o755)
    fs.chmod("/home/user/plain.txt", 0o600)
    fs.write_file("/home/user/empty", b"")
    fs.mkdir("/home/user/empty-directory/within", parents=True)
    fs.link("/home/user/plain.txt", "/home/user/hard")
    fs.symlink("plain.txt", "/home/user/soft")
    fs.symlink("/nowhere/at/all", "/home/user/dangling")
    fs.symlink("loop", "/home/user/loop")
    for name in ("ünïcode", "日本語", "\U0001f600", "new\nline", "back\\slash", " ", "é" * 127, "-rf"):
        fs.write_file(f"/home/user/{name}", name.encode())
    fs.write_file("/home/user/sparse", b"start")
    fs.truncate("/home/user/sparse", 5 * CHUNK_SIZE)
    handle = fs.open("/home/user/sparse", write=True)
    assert isinstance(handle, OpenFile)
    handle.write(64 * MIB, b"end")
    handle.close()
    fs.utimes("/home/user/plain.txt", 1_000_000_000_123_456_789, -1)
    fs.utimes("/home/user/empty-directory", 0, 981_173_106_987_654_321)


async def test_a_tree_is_the_same_after_sleep_and_after_a_restart(tmp_path: Path) -> None:
    async with host_on(tmp_path) as host:
        await host.get_or_create("vm", None)
        vm = await host.vm("vm")
        build(vm.volume.filesystem)
        before = everything(vm.volume.filesystem)
        accessed = vm.volume.filesystem.stat("/home/user/plain.txt").atime
        await host.sleep("vm", None, False)
        assert (await host.queries.get("vm"))["state"] == "asleep"
        again = await host.vm("vm")
        assert again is not vm
        assert again.volume.filesystem.stat("/home/user/plain.txt").atime == accessed
        assert everything(again.volume.filesystem) == before
    async with host_on(tmp_path) as host:
        fs = (await host.vm("vm")).volume.filesystem
        assert everything(fs) == before
        assert fs.stat("/home/user/hard").ino == fs.stat("/home/user/plain.txt").ino
        assert fs.stat("/home/user/sparse").size == 64 * MIB + 3
        assert fs.usage.bytes < MIB  # holes take nothing


async def test_a_large_file_is_the_same_after_sleep(tmp_path: Path) -> None:
    size = 256 * MIB
    noise = random.Random(0)  # noqa: S311 - content, no secret
    async with host_on(tmp_path) as host:
        await host.get_or_create("vm", None)
        vm = await host.vm("vm")
        handle = vm.volume.filesystem.open("/home/user/large", write=True, create=True)
        assert isinstance(handle, OpenFile)
        digest = hashlib.blake2b()
        for offset in range(0, size, 16 * MIB):
            piece = noise.randbytes(16 * MIB)
            digest.update(piece)
            handle.write(offset, piece)
            await vm.flush_files()
        handle.close()
        await host.sleep("vm", None, False)
        fs = (await host.vm("vm")).volume.filesystem
        again = fs.open("/home/user/large")
        assert isinstance(again, OpenFile)
        found = hashlib.blake2b()
        for offset in range(0, size, MIB):
            found.update(again.read(offset, MIB))
        again.close()
        assert found.hexdigest() == digest.hexdigest()


@pytest.mark.parametrize("what", ["/", "/home", "/home/user"])
async def test_looking_at_a_sleeping_vm_wakes_nothing(tmp_path: Path, what: str) -> None:
    async with host_on(tmp_path) as host:
        await host.get_or_create("vm", None)
        files = await host.queries.files("vm")
        assert (await files.stat(what))["type"] == "directory"
        await files.readdir(what)
        await host.queries.persisted_sessions("vm")
        assert (await host.queries.get("vm"))["state"] == "asleep"
