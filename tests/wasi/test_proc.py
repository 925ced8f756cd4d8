"""/proc as programs see it: of POSIX, one that wants more than it is given, and of WASI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import Exit
from runtime.posix.errnos import Errno

if TYPE_CHECKING:
    from .conftest import Machine


@pytest.mark.guest("bare_proc", "copy_stdin")
async def test_a_process_sees_of_others_what_it_may_and_changes_nothing(machine: Machine) -> None:
    await machine.install("bare_proc")
    other = await machine.spawn("copy_stdin", env={"SECRET": "of another"})
    usage = machine.volume.filesystem.usage
    outcome = await machine.command("/bin/bare_proc", str(other.pid))
    other.kill()
    assert outcome.exit == Exit("exit", 0), outcome
    assert outcome.stdout.decode().splitlines() == [
        "stat of another is read: 1",
        "cmdline: 1",
        f"environ: {-Errno.EACCES}",
        "its own environ: 1",
        f"fd: {-Errno.EACCES}",
        f"fd/0: {-Errno.EACCES}",
        f"cwd: {-Errno.EACCES}",
        f"below cwd: {-Errno.EACCES}",
        f"exe: {-Errno.EACCES}",
        f"write: {-Errno.EROFS}",
        f"truncate: {-Errno.EROFS}",
        f"create: {-Errno.EROFS}",
        f"create beside: {-Errno.EROFS}",
        f"make a directory: {-Errno.EROFS}",
        f"make another /proc: {-Errno.EEXIST}",
        f"remove: {-Errno.EROFS}",
        f"remove it all: {-Errno.EBUSY}",
        f"rename: {-Errno.EROFS}",
        f"rename out of it: {-Errno.EXDEV}",
        f"link: {-Errno.EXDEV}",
        f"change the mode: {-Errno.EROFS}",
        f"set times: {-Errno.EROFS}",
        f"execute: {-Errno.EACCES}",
        "a child: 1",
        "stopped: 1",
        f"ended: {ord('Z')}",
        f"where it is: {-Errno.ENOENT}",
        f"waited for: {-Errno.ENOENT}",
        f"its directory: {-Errno.ENOENT}",
        f"a path: {-Errno.ENOENT}",
        f"a path from there: {-Errno.ENOENT}",
        "above: 0",
        "seen: 1",
        "strange: 0",
        "opened: 1",
        f"no more: {-Errno.EMFILE}",
        "the first is read: 1",
    ]
    assert machine.volume.filesystem.usage == usage


@pytest.mark.guest("proc")
async def test_a_program_of_wasi_sees_itself(machine: Machine) -> None:
    outcome = await machine.run("proc", "word")
    assert outcome.lines == [
        "comm proc",
        "cmdline 10 proc word",
        "fds 3",
        "meminfo file size 0",
        "write: EROFS",
        "make: EROFS",
    ]


@pytest.mark.guest("copy_stdin")
async def test_a_client_sees_the_processes_and_nothing_that_is_theirs(machine: Machine) -> None:
    process = await machine.spawn("copy_stdin")
    files, pid = machine.files, str(process.pid)
    assert pid in await files.readdir("/proc")
    assert "self" not in await files.readdir("/proc")
    assert (await files.read_file(f"/proc/{pid}/stat")).startswith(f"{pid} (copy_stdin) ".encode())
    assert await files.read_file(f"/proc/{pid}/comm", offset=5, length=4) == b"stdi"
    assert await files.read_files([f"/proc/{pid}/comm"]) == [(f"/proc/{pid}/comm", b"copy_stdin\n")]
    assert "/proc" not in {entry["path"] for entry in await files.readdir_recursive("/")}
    for path in (f"/proc/{pid}/environ", f"/proc/{pid}/exe", f"/proc/{pid}/fd/0"):
        with pytest.raises(ApiError) as refused:
            await files.read_file(path)
        assert "permission denied" in str(refused.value)
    with pytest.raises(ApiError) as refused:
        await files.write_file("/proc/x", b"")
    assert refused.value.code is ErrorCode.READ_ONLY
    process.kill()
    await process.wait()
    with pytest.raises(ApiError) as refused:
        await files.read_file(f"/proc/{pid}/stat")
    assert refused.value.code is ErrorCode.NOT_FOUND
