"""Programs of a VM are read once, whatever they are called, and again when their file has changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import ComponentError, Engine, Share
from runtime.store import open_store
from runtime.vms import programs
from runtime.vms.base.texts import Text
from runtime.vms.options import VmOptions
from runtime.vms.programs import PIECE, Programs, Script
from runtime.vms.volume import Volume
from wasi_fs import Base, FileSystem, Mount, OpenFile
from wasi_fs.mounts import content as host_content

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from runtime.engine import Program
    from wasi_fs import Stat


@attrs.frozen
class Loaded:
    digest: str


class FakeEngine(Engine):
    """Takes any content for a component, and remembers what it was given."""

    def __init__(self) -> None:  # and not its own, which looks for a cache and a compiler
        self.given: list[bytes] = []
        self.programs: dict[str, Any] = {}

    def known(self, digest: str) -> Program | None:
        return self.programs.get(digest)

    async def find(self, digest: str, share: Share | None = None) -> Program | None:
        del share
        await trio.lowlevel.checkpoint()
        return self.known(digest)

    async def load_content(
        self, content: bytes, tell: Callable[[int], None] | None = None, share: Share | None = None
    ) -> Program:
        del tell, share
        await trio.lowlevel.checkpoint()
        self.given.append(content)
        digest = hashlib.sha256(content).hexdigest()
        return self.programs.setdefault(digest, Loaded(digest))  # type: ignore[no-any-return]  # stands for a Program


@attrs.frozen
class Box:
    """A VM's files, an engine, and the programs between them."""

    engine: FakeEngine
    fs: FileSystem
    programs: Programs

    async def load(self, command: str, path: str = "/bin", cwd: str = "/") -> bytes:
        """Load a program; its content as the engine got it, some time."""
        found = await self.programs.load(command, path, cwd, lambda _size: None)
        assert not isinstance(found, Script)
        return next(
            content for content in self.engine.given if hashlib.sha256(content).hexdigest() == found.program.digest
        )


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with open_store(tmp_path / "state.db") as store:
        record, _ = await store.vms.get_or_create("vm", {}, 0)
        volume = Volume(store, record, VmOptions())
        volume.prepare()
        engine = FakeEngine()
        yield Box(engine, volume.filesystem, Programs(engine, Share(), volume.filesystem))


async def test_a_program_is_read_once(box: Box) -> None:
    box.fs.write_file("/bin/tool", b"first")
    for command, path, cwd in (
        ("tool", "/bin", "/"),
        ("./tool", "", "/bin"),
        ("tool", "/none:/bin", "/"),
        ("tool", "", "/bin"),
    ):
        assert await box.load(command, path, cwd) == b"first"
    box.fs.link("/bin/tool", "/bin/other")
    box.fs.symlink("/bin/other", "/bin/link")
    box.fs.rename("/bin/tool", "/bin/moved")
    for command in ("other", "link", "moved"):
        await box.load(command)
    assert box.engine.given == [b"first"]
    with pytest.raises(ApiError) as refused:
        await box.load("tool")
    assert refused.value.code is ErrorCode.NOT_FOUND
    assert refused.value.data == {"path": "tool"}


async def test_a_script_is_not_for_the_engine(box: Box) -> None:
    box.fs.write_file("/bin/mine", b"#!/bin/sh\n")
    box.fs.base = Base()
    box.fs.base.replace({}, {"/bin/which": (Text("#!/bin/sh\n"), 0o755)}, {})
    for name in ("mine", "which"):
        assert await box.programs.load(name, "/bin", "/", lambda _size: None) == Script(f"/bin/{name}")
    assert box.engine.given == []


async def test_a_program_that_has_changed_is_another(box: Box) -> None:
    box.fs.write_file("/bin/tool", b"first")
    await box.load("tool")
    for content in (b"other", b"first", b"third"):
        box.fs.write_file("/bin/tool", content)
        assert await box.load("tool") == content
    box.fs.write_file("/bin/new", b"newer")
    box.fs.rename("/bin/new", "/bin/tool")
    assert await box.load("tool") == b"newer"
    box.fs.write_file("/bin/tool", b"W", offset=2)
    assert await box.load("tool") == b"neWer"
    assert box.engine.given == [b"first", b"other", b"first", b"third", b"newer", b"neWer"]


async def test_what_the_engine_has_forgotten_is_read_again(box: Box) -> None:
    box.fs.write_file("/bin/tool", b"content")
    await box.load("tool")
    box.engine.programs.clear()
    assert await box.load("tool") == b"content"
    assert len(box.engine.given) == 2


async def test_so_many_are_remembered(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MAX_KNOWN", 2)
    for name in "abc":
        box.fs.write_file(f"/bin/{name}", name.encode())
    for name in "abac":
        await box.load(name)
    assert box.engine.given == [b"a", b"b", b"c"]
    await box.load("a")
    await box.load("b")
    assert box.engine.given == [b"a", b"b", b"c", b"b"]


async def test_others_run_while_a_large_program_is_read(box: Box) -> None:
    box.fs.write_file("/bin/large", bytes(10 * PIECE + 1))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(others)
        assert await box.load("large") == bytes(10 * PIECE + 1)
        nursery.cancel_scope.cancel()
    assert turns >= 10


async def test_a_program_is_never_half_an_old_and_half_a_new_one(box: Box) -> None:
    box.fs.write_file("/bin/large", b"a" * (3 * PIECE))

    async def write() -> None:
        await trio.lowlevel.checkpoint()
        box.fs.write_file("/bin/large", b"b" * (3 * PIECE))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        await box.load("large")
    assert box.engine.given in ([b"a" * (3 * PIECE)], [b"b" * (3 * PIECE)])
    assert await box.load("large") == b"b" * (3 * PIECE)


async def test_a_program_that_is_being_written_is_not_waited_for(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.fs.write_file("/bin/large", bytes(3 * PIECE))
    looks: list[OpenFile] = []
    stat = OpenFile.stat

    def look(file: OpenFile) -> Stat:
        looks.append(file)
        return stat(file)

    monkeypatch.setattr(OpenFile, "stat", look)

    async def write() -> None:
        while True:
            box.fs.write_file("/bin/large", b"x", offset=0)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        with pytest.raises(ComponentError, match="its file is being written"):
            await box.load("large")
        nursery.cancel_scope.cancel()
    assert box.engine.given == []
    assert len(looks) == programs.ATTEMPTS == 3


async def test_so_much_of_path_is_looked_through_and_told(box: Box) -> None:
    box.fs.write_file("/bin/tool", b"content")
    assert await box.load("tool", ":".join(["/none"] * 999 + ["/bin"])) == b"content"
    assert await box.load("tool", f"/{'x' * (128 * 1024 - 6)}:/bin") == b"content"
    for path in (":".join(["/none"] * 1000 + ["/bin"]), f"/{'x' * (128 * 1024 - 5)}:/bin"):
        with pytest.raises(ApiError) as refused:
            await box.load("tool", path)
        assert refused.value.code is ErrorCode.NOT_FOUND
        assert refused.value.message == f"no command 'tool' in the VM ({path[:1000]})"
    with pytest.raises(ApiError) as refused:
        await box.load("x" * 5000)
    assert refused.value.message == f"no command '{'x' * 1000}' in the VM (/bin)"


async def test_a_program_has_a_size(box: Box) -> None:
    box.fs.write_file("/bin/holes", b"")
    box.fs.truncate("/bin/holes", programs.MAX_COMMAND_BYTES + 1)
    with pytest.raises(ComponentError, match=f"it has more than {programs.MAX_COMMAND_BYTES} bytes"):
        await box.load("holes")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A directory of the host with a program in it."""
    directory = tmp_path.resolve() / "host"
    directory.mkdir()
    (directory / "tool").write_bytes(b"content")
    return directory


async def test_programs_of_the_host(box: Box, host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has just been changed is read each time, since its times may not tell the next change."""
    box.fs.set_mounts([Mount("/mnt", str(host))])
    monkeypatch.setattr(host_content, "SETTLED_NS", 1 << 62)
    for _ in range(2):
        assert await box.load("/mnt/tool") == b"content"
    assert len(box.engine.given) == 2
    monkeypatch.setattr(host_content, "SETTLED_NS", -1 << 62)
    for _ in range(3):
        assert await box.load("/mnt/tool") == b"content"
    assert len(box.engine.given) == 3
    (host / "tool").write_bytes(b"other content")
    assert await box.load("/mnt/tool") == b"other content"
