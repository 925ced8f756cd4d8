"""The base system of a daemon: what comes with it, what is added, and how VMs see it."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from wasmtime import wat2wasm

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import ArtefactCache, Share
from runtime.posix.host import make_engine
from runtime.posix.programs import SCRIPT
from runtime.store import open_store
from runtime.vms import component_files
from runtime.vms import host as of_host
from runtime.vms.base import BaseSystem, added_directory, commands, system
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import Host, open_host
from runtime.vms.listings import entries, names, tree
from runtime.vms.mounts import check_hosts
from runtime.vms.programs import Programs
from wasi_fs import FsError, Mount
from wasi_fs.errors import FsCode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wasi_fs import FileSystem

GUESTS = Path(__file__).parents[1] / "guests" / "dist"
TINY = GUESTS / "exit_code.wasm"


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def ship(folder: Path, **guests: str) -> Path:
    """Make a folder of commands as the build does: a guest under each name."""
    folder.mkdir()
    described = {}
    for name, guest in guests.items():
        content = (GUESTS / f"{guest}.wasm").read_bytes()
        (folder / f"{name}.wasm").write_bytes(content)
        about = {"sha256": hashlib.sha256(content).hexdigest(), "version": "1.0", "licence": "0BSD"}
        described[f"{name}.wasm"] = {"names": [name, f"{name}2"], **about}
    (folder / "manifest.json").write_text(json.dumps({"commands": described}))
    return folder


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = ship(tmp_path / "dist", code="exit_code", show="args_env")
    monkeypatch.setattr(of_host, "built_in_commands", lambda: folder)
    return folder


@asynccontextmanager
async def host_on(directory: Path) -> AsyncIterator[Host]:
    catalogue = Catalogue(directory / "agents")
    async with open_store(directory / "state.db") as store, open_host(store, make_engine(), catalogue) as host:
        yield host


async def files_of(host: Host, name: str, **options: Any) -> FileSystem:
    await host.get_or_create(name, options)
    return host._volumes.of(host.store.vms.find(name)).filesystem


def told(host: Host) -> list[tuple[str, str]]:
    return [(each["name"], each["source"]) for each in host.base_system.list()]


async def test_a_vm_has_it_beneath_its_files(shipped: Path, tmp_path: Path) -> None:
    async with host_on(tmp_path) as host:
        fs = await files_of(host, "vm")
        assert fs.readdir("/bin") == ["code", "code2", "show", "show2"]
        assert fs.read_file("/usr/bin/code2") == TINY.read_bytes() == (shipped / "code.wasm").read_bytes()
        assert (fs.stat("/bin/code").mode, fs.stat("/bin/code").nlink) == (0o755, 2)
        assert b":/home/user:" in fs.read_file("/etc/passwd")
        assert fs.read_file("/etc/os-release").startswith(b'NAME="Torpor"\n')
        assert (fs.stat("/tmp").mode, fs.stat("/var/tmp").mode) == (0o1777, 0o1777)  # noqa: S108 - the VM's
        assert fs.readlink("/bin") == "usr/bin"
        stats = await host.queries.stats("vm")
        without = await files_of(host, "without", base="none")
        assert without.readdir("/") == ["bin", "dev", "etc", "home", "proc", "root", "tmp"]
        assert without.readdir("/bin") == []
        with pytest.raises(FsError):
            without.stat("/usr")
        assert (await host.queries.stats("without"))["files"]["count"] == stats["files"]["count"] + 1  # /bin


async def test_who_lists_the_root_sees_it_and_who_copies_the_root_does_not(shipped: Path, tmp_path: Path) -> None:
    del shipped
    async with host_on(tmp_path) as host:
        fs = await files_of(host, "vm")
        assert await names(fs, "/") == ["bin", "etc", "home", "root", "tmp", "usr", "var"]
        assert "bin" in [entry["name"] for entry in await entries(fs, "/", "", None)]
        found = [entry["path"] for entry in await tree(fs, "/", None, ())]
        assert {path.split("/")[1] for path in found} == {"etc", "home", "root", "tmp"}
        assert "/etc/passwd" not in found
        assert "/etc/passwd" in [entry["path"] for entry in await tree(fs, "/etc", None, ())]
        fs.write_file("/usr/share/mine", b"")
        assert "/usr/share/mine" in [entry["path"] for entry in await tree(fs, "/", None, ())]
        files = await host.queries.files("vm")
        await files.delete_file("/usr", recursive=True)
        assert await names(fs, "/usr/share") == []
        with pytest.raises(ApiError, match="read-only") as caught:
            await files.delete_file("/usr", recursive=True)
        assert caught.value.code is ErrorCode.READ_ONLY


async def test_a_vm_can_be_given_it_and_have_it_taken_away(shipped: Path, tmp_path: Path) -> None:
    del shipped
    async with host_on(tmp_path) as host:
        fs = await files_of(host, "vm", base="none")
        fs.write_file("/bin/mine", b"")
        await host.configure("vm", {"base": None})
        assert fs.readdir("/bin") == ["code", "code2", "mine", "show", "show2"]
        await host.configure("vm", {"base": "none"})
        assert fs.readdir("/bin") == ["mine"]
        await host._volumes.of(host.store.vms.find("vm")).flush()
    async with host_on(tmp_path) as host:
        assert (await files_of(host, "vm", base="none")).readdir("/bin") == ["mine"]
        await host.configure("vm", {"base": "default"})
    async with host_on(tmp_path) as host:
        assert (await files_of(host, "vm", base="default")).readdir("/bin") != ["mine"]


async def test_snapshots_differences_and_exports_have_nothing_of_it(shipped: Path, tmp_path: Path) -> None:
    del shipped
    async with host_on(tmp_path) as host:
        fs = await files_of(host, "vm")
        past = await host.past("vm")
        await past.snapshot("before")
        fs.write_file("/bin/mine", b"mine")
        diff = await past.diff("before", None, "/")
        paths = [each["path"] for each in diff["changes"]]
        assert paths == ["/usr", "/usr/bin", "/usr/bin/mine"]
        await host.export("vm", str(tmp_path / "out"))
        await host.import_(str(tmp_path / "out"), "again", trust=False)
        found = [entry["path"] for entry in await tree(await files_of(host, "again"), "/", None, ())]
        assert [path for path in found if path.startswith(("/usr", "/bin", "/var"))] == paths
        await past.restore("before", None, force=True)
        assert (await files_of(host, "vm")).readdir("/bin") == ["code", "code2", "show", "show2"]


async def test_an_imported_vm_is_without_it_as_the_exported_one_was(tmp_path: Path) -> None:
    async with host_on(tmp_path) as host:
        await files_of(host, "vm", base="none")
        await host.export("vm", str(tmp_path / "out"))
        made = await host.import_(str(tmp_path / "out"), "again", trust=False)
        assert made["options"] == {"base": "none"}


async def test_a_command_of_it_is_read_only_to_be_compiled(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del shipped
    async with host_on(tmp_path) as host:
        fs = await files_of(host, "vm")
        engine = make_engine()
        programs = Programs(engine, Share(), fs)
        content, reads = host.base_system._contents[digest_of(TINY)], []
        read = content.read

        def counted(offset: int, count: int) -> bytes:
            reads.append(count)
            return read(offset, count)

        monkeypatch.setattr(content, "read", counted)
        assert programs.known("code", "/bin", "/") is None
        assert reads == []
        found = await programs.load("code", "/bin", "/", lambda _size: None)
        assert found.program.digest == digest_of(TINY)
        assert reads[0] == len(SCRIPT), "it might be a script"
        assert sum(reads[1:]) == content.size
        reads.clear()
        other = Programs(engine, Share(), await files_of(host, "other"))
        assert other.known("code2", "/bin", "/") == (found.program, "/bin/code2")
        assert await other.load("/usr/bin/code", "", "/", lambda _size: None) == (found.program, "/usr/bin/code")
        assert reads == []


async def test_commands_are_added_replaced_and_removed(shipped: Path, tmp_path: Path) -> None:
    async with host_on(tmp_path) as host:
        fs = await files_of(host, "vm")
        made = await host.add_command(str(TINY), None)
        size = TINY.stat().st_size
        about = {"sha256": digest_of(TINY), "bytes": size, "source": "user", "version": None, "licence": None}
        assert made == {"name": "exit_code", **about}
        await host.add_command(str(GUESTS / "spin.wasm"), "show")
        await host.add_command(str(TINY), "again")
        expected = ["again", "code", "code2", "exit_code", "show", "show2"]
        assert fs.readdir("/bin") == expected
        assert fs.read_file("/bin/show") == (GUESTS / "spin.wasm").read_bytes()
        assert fs.read_file("/bin/show2") == (shipped / "show.wasm").read_bytes()
        assert fs.stat("/bin/again").ino == fs.stat("/bin/exit_code").ino
        users = [("again", "user"), ("exit_code", "user"), ("show", "user")]
        assert [each for each in told(host) if each[1] == "user"] == users
    async with host_on(tmp_path) as host:
        fs = await files_of(host, "vm")
        assert fs.readdir("/bin") == expected
        folder = added_directory(host.store.path)
        assert len(list(folder.glob("*.wasm"))) == 2
        with fs.open("/bin/show") as file:
            await host.base_system.remove("show")
            assert file.read(0, 8) == b"\0asm\x0d\0\x01\0"  # type: ignore[union-attr]  # a file
        assert fs.read_file("/bin/show") == (shipped / "show.wasm").read_bytes()
        await host.base_system.remove("exit_code")
        assert [path.name for path in folder.glob("*.wasm")] == [f"{digest_of(TINY)}.wasm"]
        await host.base_system.remove("again")
        assert list(folder.glob("*.wasm")) == []
        for name in ("again", "code"):
            with pytest.raises(ApiError) as caught:
                await host.base_system.remove(name)
            assert caught.value.code is ErrorCode.NOT_FOUND


async def test_what_cannot_run_is_not_added(shipped: Path, tmp_path: Path) -> None:
    del shipped
    (tmp_path / "module").write_bytes(wat2wasm("(module)"))
    (tmp_path / "text.wasm").write_text("no component")
    os.mkfifo(tmp_path / "pipe")
    async with host_on(tmp_path) as host:
        for path, name, code in (
            (tmp_path / "module", None, ErrorCode.INVALID_ARGUMENT),
            (tmp_path / "text.wasm", None, ErrorCode.INVALID_ARGUMENT),
            (GUESTS / "unknown_import.wasm", None, ErrorCode.INVALID_ARGUMENT),
            (tmp_path / "none.wasm", None, ErrorCode.NOT_FOUND),
            (tmp_path, "name", ErrorCode.INVALID_ARGUMENT),
            (tmp_path / "pipe", None, ErrorCode.INVALID_ARGUMENT),
            (tmp_path / "text.wasm" / "x", None, ErrorCode.IO_ERROR),
            (TINY, "a/b", ErrorCode.INVALID_ARGUMENT),
            (TINY, "..", ErrorCode.INVALID_ARGUMENT),
            (TINY, "a b", ErrorCode.INVALID_ARGUMENT),
            (TINY, "", ErrorCode.INVALID_ARGUMENT),
            (TINY, "a" * 65, ErrorCode.INVALID_ARGUMENT),
        ):
            with pytest.raises(ApiError) as caught:
                await host.add_command(str(path), name)
            assert caught.value.code is code, (path, name)
        with pytest.raises(ApiError, match="absolute"):
            await host.add_command("tiny.wasm", None)
        assert not added_directory(host.store.path).exists()
        assert ("user" in dict(told(host)).values(), len(told(host))) == (False, 4)


async def test_what_cannot_be_cleared_away_costs_no_change(tmp_path: Path) -> None:
    async with host_on(tmp_path) as host:
        folder = added_directory(host.store.path)
        (folder / "other.wasm").mkdir(parents=True)
        (folder / "left.wasm").write_bytes(b"by a daemon that was killed between a component and its manifest")
        await host.add_command(str(TINY), "code")
        assert ("code", "user") in told(host)
        assert {path.name for path in folder.glob("*.wasm")} == {"other.wasm", f"{digest_of(TINY)}.wasm"}


async def test_two_changes_at_once_are_both_kept(tmp_path: Path) -> None:
    async with host_on(tmp_path) as host:
        async with trio.open_nursery() as nursery:
            for name in ("a", "b"):
                nursery.start_soon(host.add_command, str(TINY), name)
            nursery.start_soon(host.add_command, str(GUESTS / "spin.wasm"), "c")
        assert [name for name, source in told(host) if source == "user"] == ["a", "b", "c"]
    async with host_on(tmp_path) as host:
        assert [name for name, source in told(host) if source == "user"] == ["a", "b", "c"]


async def test_so_many_commands_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "MAX_ADDED", 2)
    async with host_on(tmp_path) as host:
        await host.add_command(str(TINY), "a")
        await host.add_command(str(TINY), "b")
        await host.add_command(str(TINY), "b")  # replaced
        with pytest.raises(ApiError) as caught:
            await host.add_command(str(TINY), "c")
        assert caught.value.code is ErrorCode.LIMIT_EXCEEDED


async def test_what_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(component_files, "MAX_COMMAND_BYTES", 100)
    async with host_on(tmp_path) as host:
        with pytest.raises(ApiError) as caught:
            await host.add_command(str(TINY), None)
        assert caught.value.code is ErrorCode.TOO_LARGE


async def test_a_broken_folder_costs_its_commands_only(
    shipped: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (shipped / "show.wasm").unlink()
    added = tmp_path / "added"
    added.mkdir()
    (added / "manifest.json").write_text('{"commands": {"../x.wasm": {}}}')
    found = BaseSystem(shipped, added)
    assert [each["name"] for each in found.list()] == ["code", "code2"]
    assert "show.wasm: No such file" in caplog.text
    assert "added/manifest.json" in caplog.text
    for change in (found.add(make_engine(), TINY, None), found.remove("x")):
        with pytest.raises(ApiError, match="mend or remove"):
            await change
    assert (added / "manifest.json").read_text() == '{"commands": {"../x.wasm": {}}}'
    missing = BaseSystem(tmp_path / "none", tmp_path / "neither")
    assert missing.list() == []
    assert "passwd" in missing.base.names


async def test_data_files_of_commands_lie_in_one_file_and_are_files_of_the_base(
    shipped: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    texts = {"/usr/lib/code/a/b.py": b"print()\n", "/usr/lib/code/empty": b"", "/usr/bin/run-code": b"#!/bin/code\n"}
    (shipped / "code.files").write_bytes(b"".join(texts.values()))
    content = {path: [len(text), 0o755, hashlib.sha256(text).hexdigest()] for path, text in texts.items()}
    manifest = json.loads((shipped / "manifest.json").read_text())
    manifest["files"] = {
        "code.files": {"sha256": digest_of(shipped / "code.files"), "content": content},
        "gone.files": {"sha256": "0" * 64, "content": {"/usr/lib/gone": [1, 0o644, "0" * 64]}},
    }
    (shipped / "manifest.json").write_text(json.dumps(manifest))
    async with host_on(tmp_path) as host:
        files = await files_of(host, "vm")
        assert {path: files.read_file(path) for path in texts} == texts
        assert files.stat("/usr/lib/code/empty").mode & 0o777 == 0o755
        assert files.readdir("/usr/lib") == ["code"]
    assert "gone.files: No such file" in caplog.text


async def test_what_was_compiled_before_is_found_without_it(
    shipped: Path, tmp_path: Path, component_cache: Path
) -> None:
    with (shipped / "code.wasm").open("r+b") as file:
        file.truncate(0)  # so that only what it was compiled to is left
    engine = make_engine(ArtefactCache(component_cache))
    program = await make_engine(ArtefactCache(component_cache)).load(TINY)
    async with host_on(tmp_path) as host:
        programs = Programs(engine, Share(), await files_of(host, "vm"))
        assert engine.known(program.digest) is None
        found = (await programs.load("code", "/bin", "/", lambda _size: None)).program
        assert (found.digest, engine.known(program.digest)) == (program.digest, found)


def test_a_file_that_is_cut_off_is_an_error_and_no_more(shipped: Path) -> None:
    content = commands.ComponentContent(shipped / "code.wasm", digest_of(TINY))
    assert content.read(1, 3) == b"asm"
    with (shipped / "code.wasm").open("r+b") as file:
        file.truncate(2)
    with pytest.raises(FsError) as caught:
        content.read(1, 3)
    assert caught.value.code is FsCode.IO
    with pytest.raises(FileNotFoundError):
        commands.ComponentContent(shipped / "none.wasm", "0" * 64)


def test_no_vm_writes_to_what_was_added(tmp_path: Path) -> None:
    state = tmp_path.resolve() / "state" / "state.db"
    folder = added_directory(state)
    folder.mkdir(parents=True)
    with pytest.raises(ApiError, match="daemon's own"):
        check_hosts([Mount("/work", str(folder))], state)
