"""What files hold: written in pieces, with holes, within quotas."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from tests.trees import refused
from wasi_fs import CHUNK_SIZE, FsCode, Limits, Usage

if TYPE_CHECKING:
    from collections.abc import Callable


def test_files_are_written_piece_by_piece(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.write_file("/f", b"first", offset=0, mode=0o600)
    settle()
    fs.write_file("/f", b"second", offset=5)
    settle()
    assert fs.read_file("/f") == b"firstsecond"
    fs.write_file("/f", b"IRS", offset=1)
    settle()
    assert fs.read_file("/f") == b"fIRStsecond"
    assert fs.stat("/f").mode == 0o600
    fs.symlink("hole", "/link")
    fs.write_file("/link", b"end", offset=3 * CHUNK_SIZE + 2)
    settle()
    assert fs.read_file("/hole") == bytes(3 * CHUNK_SIZE + 2) + b"end"
    fs.write_file("/f", b"", offset=100)
    assert fs.stat("/f").size == 11
    refused(FsCode.IS_DIRECTORY, fs.write_file, "/", b"", offset=0)


def test_a_piece_that_has_no_room_leaves_nothing_behind(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.limits = Limits(bytes=100, entries=3, file_size=CHUNK_SIZE * 10)
    fs.write_file("/f", b"x" * 60)
    settle()
    refused(FsCode.INSUFFICIENT_SPACE, fs.write_file, "/f", b"y" * 41, offset=60)
    refused(FsCode.INSUFFICIENT_SPACE, fs.write_file, "/g", b"y" * 41, offset=CHUNK_SIZE)
    refused(
        FsCode.INSUFFICIENT_SPACE, fs.write_file, "/g", b"y", offset=CHUNK_SIZE + 40
    )  # a chunk has no hole at its start
    refused(FsCode.FILE_TOO_LARGE, fs.write_file, "/g", b"y", offset=CHUNK_SIZE * 10)
    settle()
    assert fs.readdir("/") == ["f"]
    assert fs.read_file("/f") == b"x" * 60
    fs.write_file("/f", b"y" * 41, offset=59)
    assert fs.usage == Usage(100, 1)


def test_open_flags(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    fs.mkdir("/d")
    fs.write_file("/f", b"content")
    settle()
    refused(FsCode.EXIST, fs.open, "/f", create=True, exclusive=True)
    refused(FsCode.IS_DIRECTORY, fs.open, "/d", write=True)
    refused(FsCode.IS_DIRECTORY, fs.open, "/d", create=True)
    refused(FsCode.IS_DIRECTORY, fs.open, "/new/", create=True)
    refused(FsCode.NOT_DIRECTORY, fs.open, "/f", directory=True)
    refused(FsCode.NOT_DIRECTORY, fs.open, "/f/", read=True)
    refused(FsCode.INVALID, fs.open, "/x", create=True, directory=True)
    with world.open("/f", write=True, truncate=True) as file:
        settle()
        assert file.stat().size == 0
        assert fs.usage.bytes == 0
        file.write(2, b"x")
        settle()
        assert file.read(0, 10) == b"\0\0x"
    with world.open("/f") as file:
        refused(FsCode.BAD_DESCRIPTOR, file.write, 0, b"x")
        refused(FsCode.BAD_DESCRIPTOR, file.append, b"x")
    with world.open("/f", read=False, write=True) as file:
        refused(FsCode.BAD_DESCRIPTOR, file.read, 0, 1)
        refused(FsCode.INVALID, file.truncate, -1)


def test_holes(world: Any, settle: Callable[[], None]) -> None:
    fs = world.fs
    with world.open("/f", write=True, create=True) as file:
        file.write(10 * CHUNK_SIZE + 5, b"end")
        settle()
        assert file.stat().size == 10 * CHUNK_SIZE + 8
        assert fs.usage.bytes == 8, "holes are free, but for the head of a chunk"
        assert file.read(10 * CHUNK_SIZE - 2, 100) == bytes(7) + b"end"
        file.write(0, b"start")
        settle()
        file.truncate(3)
        settle()
        file.truncate(CHUNK_SIZE * 2)
        settle()
        assert file.read(0, 10) == b"sta" + bytes(7)
        assert fs.usage.bytes == 3
        file.write(CHUNK_SIZE - 1, b"ab")
        settle()
        assert fs.usage.bytes == CHUNK_SIZE + 1
        assert file.read(CHUNK_SIZE - 2, 4) == b"\0ab\0"
        file.truncate(CHUNK_SIZE)
        settle()
        file.truncate(1 << 39)
        settle()
        assert file.read((1 << 39) - 3, 10) == bytes(3)
        assert file.read(1 << 39, 1) == b""
        file.truncate(0)
        assert fs.usage.bytes == 0


def test_content_across_chunks(world: Any, settle: Callable[[], None]) -> None:
    content = bytearray(i * 7 % 251 for i in range(3 * CHUNK_SIZE + 100))
    world.fs.write_file("/f", bytes(content))
    settle()
    with world.open("/f", write=True) as file:
        for offset, data in ((CHUNK_SIZE - 3, b"across"), (2 * CHUNK_SIZE, b"k" * CHUNK_SIZE), (len(content), b"more")):
            file.write(offset, data)
            content[offset : offset + len(data)] = data
            settle()
            assert file.read(0, 1 << 20) == content
        for size in (3 * CHUNK_SIZE, 2 * CHUNK_SIZE + 1, CHUNK_SIZE + 7):
            file.truncate(size)
            del content[size:]
            settle()
            assert file.read(0, 1 << 20) == content
            assert world.fs.usage.bytes == size


def test_quotas(new_world: Callable[..., Any]) -> None:
    world = new_world(limits=Limits(bytes=100, entries=4, file_size=1000))
    fs = world.fs
    fs.write_file("/f", b"x" * 90)
    refused(FsCode.INSUFFICIENT_SPACE, fs.write_file, "/g", b"y" * 11)
    refused(FsCode.INSUFFICIENT_SPACE, fs.write_file, "/f", b"y" * 101)
    assert fs.read_file("/f") == b"x" * 90, "all or nothing"
    assert fs.readdir("/") == ["f"]
    fs.write_file("/f", b"z" * 100)
    with world.open("/f", write=True) as file:
        refused(FsCode.INSUFFICIENT_SPACE, file.append, b"1")
        file.write(0, b"over" * 25)
        file.truncate(500)
        refused(FsCode.INSUFFICIENT_SPACE, file.write, 499, b"1")
        refused(FsCode.FILE_TOO_LARGE, file.write, 999, b"12")
        refused(FsCode.FILE_TOO_LARGE, file.truncate, 1001)
        assert file.read(0, 100) == b"over" * 25
    refused(FsCode.FILE_TOO_LARGE, fs.write_file, "/f", b"x" * 1001)
    refused(FsCode.INSUFFICIENT_SPACE, fs.symlink, "f", "/s")
    fs.truncate("/f", 10)
    fs.symlink("f", "/s")
    fs.link("/f", "/g")
    fs.mkdir("/d")
    for operation in (fs.mkdir, lambda path: fs.link("/f", path), lambda path: fs.write_file(path, b"")):
        refused(FsCode.INSUFFICIENT_SPACE, operation, "/more")
    refused(FsCode.INSUFFICIENT_SPACE, fs.symlink, "f", "/more")
    assert fs.usage == Usage(11, 4)
    fs.rename("/d", "/e")
    fs.unlink("/g")
    fs.mkdir("/more")
    assert fs.usage == Usage(11, 4)
    world.save()
    world.reload()
    assert world.fs.usage == Usage(11, 4)


def test_pieces_are_what_a_read_gives(world: Any, settle: Callable[[], None]) -> None:
    data = b"".join(bytes([number]) * CHUNK_SIZE for number in range(3)) + b"end"
    world.fs.write_file("/f", data)
    settle()
    offsets = (0, 5, CHUNK_SIZE, 3 * CHUNK_SIZE, len(data), len(data) + 9)
    with world.fs.open("/f", write=True) as file:
        for offset, count in itertools.product(offsets, (0, 7, len(data))):
            assert b"".join(file.pieces(offset, count)) == file.read(offset, count) == data[offset : offset + count]
        file.truncate(4 * CHUNK_SIZE)
        assert b"".join(file.pieces(0, 5 * CHUNK_SIZE)) == data.ljust(4 * CHUNK_SIZE, b"\0")
