"""Which components can be started, and what is said of those that cannot; and that every test program has a test."""

# ruff: noqa: S108 - /tmp is the VM's

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.vms.catalogue import ComponentRef

from .conftest import DECLARED, GUESTS, built, finish

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Machine, World

SOURCES = {path.stem for pattern in ("*.c", "*.wat") for path in (GUESTS / "src").glob(pattern)}
LIBC_SOURCES = {f"libc_{path.stem}" for path in (GUESTS / "src" / "libc").glob("*.c")}
PROGRAMS = SOURCES | LIBC_SOURCES | {"truncated"}  # the last is half of another one, so without a source


def test_every_program_has_a_test(request: pytest.FixtureRequest) -> None:
    """By the marks of the tests that were collected, each of which starts what it is marked with, or fails."""
    marked = request.config.stash[DECLARED]
    if set(marked) != {path.name for path in request.path.parent.glob("test_*.py")}:
        pytest.skip("only some of tests/wasi was collected")
    tested = set().union(*marked.values())
    assert PROGRAMS - tested == set(), "programs of tests/guests/src without a test in tests/wasi"
    assert tested - PROGRAMS == set(), "tests of programs that are not in tests/guests/src"


def test_every_program_is_described() -> None:
    described = re.findall(r"^\| `(\w+)` \|", (GUESTS / "README.md").read_text(), re.MULTILINE)
    assert sorted(described) == sorted(PROGRAMS)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(name, message, id=name, marks=pytest.mark.guest(name))
        for name, message in (
            (
                "core_module",
                "this is a core WebAssembly module, not a component: wrap it with `wasm-tools component new`",
            ),
            ("no_run", "the component does not export wasi:cli/run@0.2: build it as a command"),
            ("truncated", "not a valid component: "),
            ("unknown_import", "the component imports what this runtime does not provide: example:host/thing@1.0.0"),
            (
                "wasi_0_3",
                "the component imports wasi:cli/environment@0.3.0: WASI 0.3 is not supported; build it for WASI 0.2",
            ),
        )
    ],
)
async def test_refused(machine: Machine, name: str, message: str) -> None:
    for _ in range(2):  # what has failed once fails in the same way again
        with pytest.raises(ApiError) as refused:
            await machine.spawn(name)
        assert refused.value.code is ErrorCode.AGENT_FAILED
        assert refused.value.message.startswith(f"{name} cannot be run: {message}")
        assert refused.value.data == {"phase": "start", "exitCode": None, "stderr": ""}
    assert len(machine.processes) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "this is not a WebAssembly component"),
        (b"#!/bin/sh\n", "this is not a WebAssembly component"),
        (b"\0asm\x0d\0\x01\0", "the component does not export wasi:cli/run@0.2"),
        (b"\0asm\x0d\0\x01\0\xff\xff\xff", "not a valid component: "),
        (b"\0asm\x0d\0\x02\0", "this is not a WebAssembly component"),
    ],
)
async def test_other_files_are_refused(machine: Machine, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ApiError, match=f"odd cannot be run: {message}"):
        await machine.spawn_file(tmp_path / "file", ["odd"])


async def test_a_missing_file_is_refused(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="agent cannot be run") as refused:
        await machine.processes.spawn(["agent"], {}, "/", agent=ComponentRef(tmp_path / "none"))
    assert refused.value.code is ErrorCode.AGENT_FAILED


@pytest.mark.guest("copy_stdin")
async def test_a_command_is_a_file_of_the_vm(machine: Machine) -> None:
    """What lies in the VM is run from there, by path or by $PATH, and refused as an agent's component would be."""
    spawn, fs = machine.processes.spawn, machine.volume.filesystem
    fs.mkdir("/bin", parents=True)
    fs.write_file("/bin/cat", built("copy_stdin").read_bytes())
    fs.write_file("/bin/text", b"no component")
    for command in ("cat", "/bin/cat", "bin/cat"):
        assert (await finish(await spawn([command], {}, "/"), b"meow")).stdout == b"meow"
    await machine.run("copy_stdin")
    with pytest.raises(ApiError) as refused:
        await spawn(["text"], {}, "/")
    assert refused.value.code is ErrorCode.AGENT_FAILED
    with pytest.raises(ApiError) as refused:
        await spawn(["cat"], {"PATH": "/usr/bin"}, "/")
    assert refused.value.code is ErrorCode.NOT_FOUND


def imports(component: bytes) -> set[bytes]:
    return set(re.findall(rb"wasi:[\w/-]+@(\d+\.\d+\.\d+)", component))


def with_versions(name: str, replacement: bytes) -> bytes:
    """The component with all its WASI imports of another version, which must be as long as the old ones."""
    component = built(name).read_bytes()
    return re.sub(
        rb"(wasi:[\w/-]+@)(\d+\.\d+\.\d+)",
        lambda found: found[1] + (replacement + b"999999")[: len(found[2])],
        component,
    )


@pytest.mark.guest("file_rw", "http_get", "poll", "random")
@pytest.mark.parametrize("name", ["file_rw", "http_get", "poll", "random"])
async def test_any_patch_version_of_wasi_0_2_is_satisfied(machine: Machine, tmp_path: Path, name: str) -> None:
    path = tmp_path / "other.wasm"
    for version in (b"0.2.", b"0.2.1"):
        path.write_bytes(with_versions(name, version))
        assert imports(path.read_bytes()) != imports(built(name).read_bytes())
        argument = "http://127.0.0.1:1/" if name == "http_get" else "/tmp" if name == "file_rw" else "5"
        outcome = await finish(await machine.spawn_file(path, [name, argument]))
        assert outcome.lines
    for other in ("file_rw", "http_get", "poll", "random"):
        await machine.run(other, "http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (b"0.1.", "the component imports what this runtime does not provide: wasi:"),
        (b"0.3.", r"the component imports wasi:[\w/-]+@0\.3\.\d+: WASI 0.3 is not supported"),
        (b"1.0.", "the component imports what this runtime does not provide: wasi:"),
    ],
)
async def test_other_versions_of_wasi_are_refused(
    machine: Machine, tmp_path: Path, version: bytes, message: str
) -> None:
    path = tmp_path / "other.wasm"
    path.write_bytes(with_versions("copy_stdin", version))
    with pytest.raises(ApiError, match=f"old cannot be run: {message}"):
        await machine.spawn_file(path, ["old"])


@pytest.mark.guest("args_env")
async def test_a_compiled_component_is_used_again(world: World) -> None:
    machine = await world.machine()
    await machine.run("args_env")
    assert world.engine.is_cached(built("args_env").read_bytes())
