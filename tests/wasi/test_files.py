"""The VM's files: what POSIX programs see, that clients see the same, and quotas."""

# ruff: noqa: S108 - /tmp is the VM's

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.options import instructions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .conftest import Machine, Outcome, World

    Run = Callable[..., Awaitable[Outcome]]

MIB = 1024 * 1024

# What the C programs print of a filesystem that behaves as Linux's do.
TRANSCRIPTS = {
    "directories": """
        mkdir: ok
        mkdir again: EEXIST
        mkdir over a file: EEXIST
        mkdir without its parent: ENOENT
        mkdir below a file: ENOTDIR
        mkdir inside: ok
        rmdir of a full one: ENOTEMPTY
        rmdir of a file: ENOTDIR
        rmdir of a missing one: ENOENT
        unlink of a directory: EISDIR
        rmdir inside: ok
        rmdir: ok
        rmdir of the root: EINVAL
        255 bytes of name: ok
        256 bytes of name: ENAMETOOLONG""",  # the libc makes "." of "/", hence EINVAL
    "exclusive": """
        first: ok
        second: EEXIST
        without O_EXCL: ok
        dangling symlink: EEXIST
        O_DIRECTORY of a file: ENOTDIR
        in a missing directory: ENOENT""",
    "file_rw": """
        open missing: ENOENT
        create: ok
        write 11
        position 11
        seek 6
        read 5 world
        read at the end 0
        pwrite 1
        position kept 11
        rw.txt = "hello World"
        seek beyond 15
        write beyond 1
        rw.txt = "hello World....!"
        truncate shorter: ok
        rw.txt = "hello"
        truncate longer: ok
        rw.txt = "hello..."
        seek before the start: EINVAL
        fsync: ok
        read closed: EBADF
        append.txt = "ababab"
        write to a reader: EBADF
        read from a writer: EBADF
        open with O_TRUNC: ok
        append.txt = ""
        open directory for writing: EISDIR
        path through a file: ENOTDIR
        trailing slash on a file: ENOTDIR""",
    "file_stat": """
        stat.txt: file size 5 links 2
        directory: ok
        stat.link: file size 5 links 2
        stat.link: symlink size 8 links 1
        stat.none: ENOENT
        hard link is the same inode: yes
        another is another: yes
        fstat: same""",
    "file_times": """
        utimensat: ok
        accessed 1000000000.123456789
        modified 1100000000.987654321
        changed is now: yes
        only modified: ok
        accessed 1000000000 modified 1200000000
        a write modifies: yes
        futimens: ok
        modified 1300000000
        of the link: ok
        link 1100000000 file 1300000000
        a new entry modifies the directory: yes""",
    "links": """
        link: ok
        link over an existing name: EEXIST
        ln.a = "two"
        links 2
        unlink: ok
        links 1
        link to a directory: EPERM
        symlink: ok
        symlink over an existing name: EEXIST
        readlink ln.b
        readlink of a file: EINVAL
        ln.s = "two"
        O_NOFOLLOW: ELOOP
        dangling symlink: ok
        ln.d = ENOENT
        create through it: ok
        its target is there: ok
        O_EXCL does not follow: EEXIST
        ln.sd/inner = "inner"
        rmdir of a symlink: ENOTDIR
        unlink of a symlink: ok
        ln.dir/inner = "inner"
        above the root is the root: ok""",
    "readdir": """
        rd: (dots 2)
        rd: .hidden a b link@ sub/ (dots 2)
        rd/a: ENOTDIR
        rd/none: ENOENT
        rd/sub/..: .hidden a b link@ sub/ (dots 2)
        rd: .hidden b link@ sub/ (dots 2)
        many: 1000""",
    "rename": """
        missing: ENOENT
        over a file: ok
        ren.a = ENOENT
        ren.b = "a"
        onto itself: ok
        file over a directory: EISDIR
        directory over a file: ENOTDIR
        directory over a full one: ENOTEMPTY
        directory over an empty one: ok
        ren.dir/x = "x"
        into itself: EINVAL
        into a directory: ok
        ren.dir/b = "a"
        over its own hard link: ok
        ren.dir/b = "a"
        ren.hard = "a\"""",
    "symlink_loop": """
        stat: ELOOP
        open: ELOOP
        create: ELOOP
        through it: ELOOP
        lstat: ok
        unlink: ok
        chain.8 = "end"
        chain.60 = ELOOP""",
    "unlink_open": """
        write 5
        unlink: ok
        stat: ENOENT
        links 0 size 5
        write 5
        read 10 still here
        read 10 still here
        gone.txt = "new"
        unlink again: ok
        unlink a missing one: ENOENT""",
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.guest(name)) for name in TRANSCRIPTS])
async def test_posix(machine: Machine, name: str) -> None:
    """In an empty directory, and the same in another one of the same VM, after all has been saved."""
    expected = [line.strip() for line in TRANSCRIPTS[name].strip().splitlines()]
    assert (await machine.run(name, "/tmp")).lines == expected
    await machine.files.mkdir("/other place")
    assert (await machine.run(name, "/other place")).lines == expected
    assert not machine.volume.filesystem.dirty_bytes or await machine.volume.flush() is None


# One tree


@pytest.mark.guest("file_stat", "file_times", "readdir", "links")
async def test_clients_see_what_guests_made(machine: Machine) -> None:
    for name in ("file_stat", "file_times", "readdir", "links"):
        await machine.run(name)
    files = machine.files
    assert await files.read_file("/tmp/stat.link") == b"12345"
    status, hard = await files.stat("/tmp/stat.txt"), await files.stat("/tmp/stat.hard")
    assert (status["type"], status["size"], status["nlink"]) == ("file", 5, 2)
    assert status == hard
    link = await files.stat("/tmp/stat.link", follow_links=False)
    assert (link["type"], link["size"], link["nlink"]) == ("symlink", 8, 1)
    assert (await files.stat("/tmp/stat.dir"))["type"] == "directory"
    assert (await files.stat("/tmp/times.txt"))["mtimeMs"] == 1_300_000_000_000
    assert await files.readdir("/tmp/rd") == [".hidden", "b", "link", "sub"]
    assert await files.readdir("/tmp/rd.many") == [f"{number:04}" for number in range(1000)]
    assert not await files.exists("/tmp/stat.none")
    for path, code in (
        ("/tmp/stat.none", ErrorCode.NOT_FOUND),
        ("/tmp/stat.txt/x", ErrorCode.NOT_A_DIRECTORY),
        ("/tmp/stat.dir", ErrorCode.IS_A_DIRECTORY),
    ):
        with pytest.raises(ApiError) as refused:
            await files.read_file(path)
        assert refused.value.code is code


@pytest.mark.guest("wait_file", "copy_stdin")
async def test_guests_see_what_clients_write(machine: Machine) -> None:
    await machine.files.write_file("/deep/er/file.txt", b"from a client")
    assert (await machine.run("wait_file", "/deep/er/file.txt")).lines == ['/deep/er/file.txt = "from a client"']
    await machine.files.delete_file("/deep", recursive=True)
    waiting = await machine.spawn("wait_file", "/deep/er/file.txt")
    await machine.run("copy_stdin", stdin=b"x")  # meanwhile it has looked
    await machine.files.write_file("/deep/er/file.txt", b"at last")
    assert await waiting.receive() == b'/deep/er/file.txt = "at last"\n'


@pytest.mark.guest("wait_file", "rename")
async def test_guests_of_one_vm_share_files_at_once_and_those_of_two_never(world: World) -> None:
    here, elsewhere = await world.machine("here"), await world.machine("elsewhere")
    neighbour = await here.spawn("wait_file", "/tmp/ren.hard")
    stranger = await elsewhere.spawn("wait_file", "/tmp/ren.hard")
    await here.run("rename")  # the last thing that it makes is ren.hard
    assert await neighbour.receive() == b'/tmp/ren.hard = "a"\n'
    assert (await neighbour.wait()).code == 0
    assert await elsewhere.files.readdir("/tmp") == []
    assert (await elsewhere.run("rename")).lines  # its own /tmp, so nothing is in the way
    assert await stranger.receive() == b'/tmp/ren.hard = "a"\n'


@pytest.mark.guest("unlink_open")
async def test_what_nobody_has_open_any_more_takes_no_room(machine: Machine) -> None:
    before = machine.volume.filesystem.usage
    await machine.run("unlink_open")
    assert machine.volume.filesystem.usage == before
    await machine.volume.flush()
    assert await machine.files.readdir("/tmp") == []


@pytest.mark.guest("exclusive", "rename", "file_times")
async def test_what_the_host_has_sealed_is_a_read_only_filesystem(machine: Machine) -> None:
    fs = machine.volume.filesystem
    fs.write_file("/sealed/file", b"", parents=True)
    fs.seal("/sealed")
    assert (await machine.run("exclusive", "/sealed")).lines[:3] == [
        "first: EROFS",
        "second: EROFS",
        "without O_EXCL: EROFS",
    ]
    for name in ("rename", "file_times"):
        outcome = await machine.run(name, "/sealed")
        assert (outcome.exit.code, outcome.stdout.split()[-1]) == (1, b"EROFS")  # at its first file
    with pytest.raises(ApiError) as refused:
        await machine.files.write_file("/sealed/file", b"x")
    assert refused.value.code is ErrorCode.READ_ONLY
    fs.seal("/sealed", sealed=False)
    assert (await machine.run("exclusive", "/sealed")).lines[0] == "first: ok"


@pytest.mark.guest("displace")
async def test_no_program_puts_something_in_the_place_of_what_the_host_has_sealed(machine: Machine) -> None:
    before = await machine.files.read_file(instructions.PATH)
    outcome = await machine.run("displace", instructions.PATH)
    said = dict(line.split(": ") for line in outcome.lines)
    assert said.pop("a file in what is above") == "ok"
    assert said.pop("a link over what is above") == said.pop("a hard link into its place") == "EEXIST"
    assert said.pop("move the sealed one") == said.pop("remove the sealed one") == "EBUSY"
    assert said.pop("move the file") == said.pop("a file over the file") == said.pop("a hard link out of it") == "EXDEV"
    assert set(said.values()) == {"EROFS"}, said
    assert await machine.files.read_file(instructions.PATH) == before


# Quotas


@pytest.mark.guest("fill")
async def test_quotas(world: World) -> None:
    machine = await world.machine(file_bytes=MIB, files=20)
    fs = machine.volume.filesystem
    room = fs.limits.entries - fs.usage.entries
    outcome = await machine.run("fill", "/tmp", "64", "1000")
    assert outcome.stdout.decode().splitlines() == ["bytes: ENOSPC", "unlink: ok", "files: ENOSPC"]
    assert outcome.stderr.decode().splitlines() == [f"{MIB} bytes", f"{room} files"]
    assert fs.usage.entries == fs.limits.entries
    with pytest.raises(ApiError) as refused:
        await machine.files.write_file("/one more", b"")
    assert refused.value.code is ErrorCode.QUOTA_EXCEEDED
    await machine.files.delete_file("/tmp/fill.0")
    space = fs.limits.bytes - fs.usage.bytes
    assert space >= MIB
    await machine.files.write_file("/one more", b"x" * space)
    with pytest.raises(ApiError) as refused:
        await machine.files.write_file("/one more", b"x" * (space + 1))
    assert refused.value.code is ErrorCode.QUOTA_EXCEEDED
    assert await machine.files.read_file("/one more") == b"x" * space


@pytest.mark.guest("fill")
async def test_a_quota_is_one_vms_own(world: World) -> None:
    full = await world.machine("full", file_bytes=1000)
    assert (await full.run("fill")).stdout.startswith(b"bytes: ENOSPC\n")
    assert (await (await world.machine("roomy")).run("fill", "/tmp", "2", "50")).stdout == (
        b"bytes: ok\nunlink: ok\nfiles: ok\n"
    )


# Benchmarks, to see that they run; `make bench` takes their figures


@pytest.mark.parametrize(
    ("name", "arguments", "lines"),
    [
        pytest.param(name, arguments, lines, id=name, marks=pytest.mark.guest(name))
        for name, arguments, lines in (
            ("bench_call", ["10"], ["call"]),
            ("bench_stat", ["10"], ["stat libc", "stat wasi"]),
            ("bench_read", ["2", "100000"], ["open-read-close 100000 bytes"]),
            ("bench_write", ["2", "100000"], ["open-write-close 100000 bytes"]),
        )
    ],
)
async def test_benchmarks(run_guest: Run, name: str, arguments: list[str], lines: list[str]) -> None:
    seen = (await run_guest(name, *arguments)).lines
    assert len(seen) == len(lines)
    for line, expected in zip(seen, lines, strict=True):
        assert re.fullmatch(rf"{expected} \d+ ns/op", line)


@pytest.mark.guest("bench_hold")
@pytest.mark.parametrize("which", ["fields", "poll", "write", "string"])
async def test_benchmark_of_holds(run_guest: Run, which: str) -> None:
    assert (await run_guest("bench_hold", which, "3")).lines == []
