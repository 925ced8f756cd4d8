"""The process interface, torpor:posix/sys: descriptors, pipes, and how programs begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.engine import Exit

if TYPE_CHECKING:
    from .conftest import Machine


@pytest.mark.guest("bare_files")
async def test_files(machine: Machine) -> None:
    await machine.install("bare_files")
    await machine.files.mkdir("/work")
    outcome = await machine.command("bare_files", cwd="/work")
    assert outcome.exit == Exit("exit", 0)
    assert outcome.stdout.decode().splitlines() == [
        "open: 3",
        "again: -20",
        "write: 11",
        "the offset of both: 11",
        "seek: 6",
        "read: 3",
        "pread: 5",
        "where it was: 9",
        "pwrite: 1",
        "stat: 0",
        f"mode: {0o100644}",
        "size: 11",
        "links: 1",
        "append: 1",
        "read of what is written: -8",
        "truncate: 0",
        "sync: 0",
        "access: 0",
        "access to execute: -2",
        "mode changed: 0",
        "access to execute: 0",
        "times: 0",
        "atime: 1000",
        "directory: 0",
        "rename: 0",
        "link: 0",
        "symlink: 0",
        "its target: 5",
        "not followed: -32",
        "real path: 15",
        "/work/sub/: -31",
        ".: 4",
        "..: 4",
        "hard: 8",
        "moved: 8",
        "soft: 10",
        "no room for one: -28",
        "directory to write: -31",
        "change directory: 0",
        "where: 9",
        "nothing there: -44",
        "remove a directory: -31",
        "as one: -55",
        "remove: 0",
        "close: 0",
        "close again: -8",
        f"umask: {0o022}",
        f"mode: {0o100600}",
        "zero: 7",
        "null: 4",
        "no terminal: -59",
        "ok to output again: 3",
        "random: 16",
    ]
    assert await machine.files.read_file("/work/sub/moved") == b"hello"


@pytest.mark.guest("bare_pipe")
async def test_a_pipe(machine: Machine) -> None:
    await machine.install("bare_pipe")
    outcome = await machine.command("bare_pipe")
    assert outcome.exit == Exit("exit", 7)
    assert outcome.stdout.decode().splitlines() == [
        "pipe: 0",
        "empty: 1",
        "  reader: 0",
        "  writer: 4",
        "nothing to read: -6",
        "write: 3",
        "there: 3",
        "filled: 2",
        "  reader: 1",
        "  writer: 4",
        "read: 3",
        "fill: 65536",
        "full: 1",
        "  reader: 1",
        "  writer: 0",
        "no room: -6",
        "read a bit: 100",
        "all or nothing: -6",
        "as far as it goes: 100",
        "seek: -70",
        "wrong way: -8",
        "end: 0",
        "hung up: 16",
        "broken: -64",
    ]


@pytest.mark.guest("bare_pipe")
async def test_who_writes_where_nobody_reads_is_ended(machine: Machine) -> None:
    await machine.install("bare_pipe")
    outcome = await machine.command("bare_pipe", "on")
    assert outcome.exit == Exit("killed", message="killed by SIGPIPE")
    assert b"not reached" not in outcome.stdout


@pytest.mark.guest("bare_args")
async def test_what_a_program_begins_with(machine: Machine) -> None:
    await machine.install("bare_args")
    outcome = await machine.command("bare_args", "a b", "", stdin=b"line\n", cwd="/bin", env={"V": "ä"})
    assert outcome.exit == Exit("exit", 3)
    lines = outcome.stdout.decode().splitlines()
    assert lines[:3] == ["argument bare_args", "argument a b", "argument "]
    assert "variable V=ä" in lines
    assert lines[-4:] == ["in /bin", "open 0 1 2", "read line", ""]


@pytest.mark.guest("bare_exec", "bare_args")
@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("/bin/bare_args", ["one", "two", "three"]),
        ("/script", ["/bin/bare_args", "-x y", "/script", "two", "three"]),
        ("/over", ["/bin/bare_args", "-x y", "/script", "/over", "two", "three"]),
    ],
)
async def test_a_process_becomes_another_program(machine: Machine, path: str, arguments: list[str]) -> None:
    for name in ("bare_exec", "bare_args"):
        await machine.install(name)
    texts = {
        "/plain": "",
        "/text": "words\n",
        "/script": "#! /bin/bare_args -x y\n",
        "/over": "#!/script\n",
        "/loop": "#!/loop\n",
    }
    for name, text in texts.items():
        await machine.files.write_file(name, text.encode())
        machine.volume.filesystem.chmod(name, 0o644 if name == "/plain" else 0o755)
    outcome = await machine.command("bare_exec", path, stdin=b"in")
    assert outcome.exit == Exit("exit", len(arguments)), outcome
    assert outcome.stdout.decode().splitlines() == [
        "no such: -44",
        "a directory: -2",
        "not executable: -2",
        "no program: -45",
        "scripts of scripts: -32",
        "unended: -28",
        *(f"argument {argument}" for argument in arguments),
        "variable A=1",
        "variable B=2",
        "in /tmp",
        "open 0 1 2 3",
        "read in",
    ]


@pytest.mark.guest("bare_spawn", "bare_args", "args_env", "bare_pipe", "trap")
async def test_children_with_pipes_of_their_own(machine: Machine) -> None:
    for name in ("bare_spawn", "bare_args", "args_env", "bare_pipe", "trap"):
        await machine.install(name)
    outcome = await machine.command(
        "bare_spawn", "/bin/bare_args", "/bin/args_env", "/bin/bare_pipe", "/bin/trap", "/no"
    )
    assert outcome.exit == Exit("exit", 0)
    ended = ["waited for it: 1", "status: {}", "no more: -12"]
    lines = outcome.stdout.decode().splitlines()
    assert lines[:8] == [
        "argument /bin/bare_args",
        "argument x",
        "variable V=1",
        "in /",
        "open 0 1 2 5",
        "read ",
        *(line.format(2 << 8) for line in ended[:2]),
    ]
    text = outcome.stdout.decode()
    for program, status in {"args_env": 0, "bare_pipe": 13, "trap": 11}.items():
        of_it = text.partition(
            f"/bin/{program}" if program == "args_env" else "pipe: 0" if status == 13 else "about to trap"
        )[2]
        assert "\n".join(ended).format(status) in of_it, f"{program}: {text}"
    assert text.endswith("/no: -44\n")
