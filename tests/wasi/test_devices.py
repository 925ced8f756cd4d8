"""/dev as a program sees it, through libc."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.wasi.conftest import Machine

NAMES = ["null", "zero", "full", "random", "urandom", "stdin", "stdout", "stderr", "tty", "fd/0"]


@pytest.mark.guest("devices")
async def test_devices(machine: Machine) -> None:
    before = machine.volume.filesystem.usage
    outcome = await machine.run("devices", stdin=b"input text and more")
    assert outcome.stdout.decode().splitlines() == [
        *(f"/dev/{name}: device, size 0, mode rw" for name in NAMES),
        "/dev/fd: directory, size 3, mode -",
        "in /dev: fd/ full null random stderr stdin stdout tty urandom zero",
        "in /dev/fd: 0 1 2",
        "/dev/null: wrote 5",
        "/dev/null: wrote 5",
        "/dev/null: wrote 5",
        "/dev/null: wrote 5",
        "/dev/null 0x5000: open EEXIST",
        "/dev/zero: wrote 5",
        "/dev/urandom: wrote 5",
        "/dev/full: write ENOSPC",
        "/dev/tty 0: open ENXIO",
        "/dev/stdin 0: open EACCES",
        "/dev/fd/7 0: open ENOENT",
        "/dev/null: ok, 0 of 10 bytes, none",
        "/dev/zero: ok, 3000000 of 3000000 bytes, zeros",
        "/dev/full: ok, 10 of 10 bytes, zeros",
        "/dev/urandom: ok, 100000 of 100000 bytes, random",
        "/dev/random: ok, 100000 of 100000 bytes, random",
        "/dev/stdout: open EACCES",
        "text",
        "/dev/stdout: wrote 5",
        "text",
        "/dev/stdout: wrote 5",
        "text",
        "/dev/fd/1: wrote 5",
        "/dev/stderr: wrote 5",
        "/dev/stdin: ok, 5 of 5 bytes, text",
        "/dev/fd/0: ok, 14 of 100 bytes, text",
        "/dev/stdin: ok, 0 of 100 bytes, none",
        "seek: ok",
        "cut off: EINVAL",
        "fsync: ok",
        "a terminal: Not a tty",
        "unlink: EBUSY",
        "move away: EXDEV",
        "move the directory: EBUSY",
        "remove the directory: EBUSY",
        "move over: EXDEV",
        "link: EXDEV",
        "chmod: ENOSYS",
        "make it again: EEXIST",
        "stdio: ok",
        "end",
    ]
    assert outcome.stderr == b"text\n"
    assert outcome.exit.code == 0
    await machine.files.delete_file("/tmp/file")  # noqa: S108 - the VM's
    assert machine.volume.filesystem.usage == before
