"""Reading and writing through streams and descriptors: what is copied and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.wasi import io
from runtime.wasi.filesystem import types
from runtime.wasi.streams import MAX_TRANSFER, IoError, StreamClosed, StreamFailed
from tests.wasi.filesystem.guest import READ, WRITE, memory
from wasi_fs import CHUNK_SIZE, Limits, Mount

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.wasi.filesystem.guest import Guest


def test_input_streams(guest: Guest) -> None:
    guest.filesystem.write_file("/f", b"x" * (MAX_TRANSFER + 10))
    file = guest.open("f")
    stream = guest.call("read-via-stream", file, 5)
    file.drop()
    assert stream.is_ready()
    assert len(stream.read(1 << 40)) == MAX_TRANSFER
    assert stream.read(3) == b"xxx"
    assert stream.read(0) == b""
    assert stream.read(3) == b"xx"
    with pytest.raises(StreamClosed):
        stream.read(1)
    stream.drop()
    with pytest.raises(StreamFailed) as caught:
        stream.read(1)
    assert guest.call("filesystem-error-code", caught.value.error) == "bad-descriptor"
    assert guest.call("filesystem-error-code", IoError("of a socket")) is None


def test_output_streams(guest: Guest) -> None:
    file = guest.open("f", "create", flags=WRITE)
    at, one, two = (
        guest.call("write-via-stream", file, 2),
        guest.call("append-via-stream", file),
        guest.call("append-via-stream", file),
    )
    for stream, data in ((at, b"ab"), (one, b"1"), (two, b"2"), (one, b"3"), (at, b"c")):
        assert stream.check_write() == MAX_TRANSFER
        stream.write(data)
    assert guest.filesystem.read_file("/f") == b"\0\0abc23"
    guest.filesystem.limits = Limits(bytes=10)
    with pytest.raises(StreamFailed) as caught:
        one.write(b"12345")
    assert guest.call("filesystem-error-code", caught.value.error) == "insufficient-space"
    guest.refused("insufficient-space", "write", file, b"12345", 7)


def test_a_files_read_and_write_take_what_was_asked_for(guest: Guest) -> None:
    content = bytes(range(256)) * (MAX_TRANSFER // 256)
    file = guest.open("f", "create", flags=READ | WRITE)
    assert guest.call("write", file, content, 3) == MAX_TRANSFER
    assert guest.call("read", file, MAX_TRANSFER, 3) == (content, True)
    assert guest.call("write", file, memory(content + b"more")[1], 0) == MAX_TRANSFER
    assert guest.call("stat", file).size == MAX_TRANSFER + 3
    assert guest.call("read", file, MAX_TRANSFER + 1, 0) == (content, False)
    stream = guest.call("append-via-stream", file)
    assert stream.check_write() == MAX_TRANSFER
    io.write(guest, stream, memory(content)[1])
    stream = guest.call("read-via-stream", file, MAX_TRANSFER + 3)
    assert io.blocking_read(guest, stream, 2 * MAX_TRANSFER) == content


@pytest.mark.parametrize("path", ["f", "mnt/f"])
def test_what_is_written_is_what_memory_held_then(guest: Guest, tmp_path: Path, path: str) -> None:
    guest.filesystem.set_mounts([Mount("/mnt", str(tmp_path.resolve()))])
    file = guest.open(path, "create", flags=READ | WRITE)
    parts = [b"a" * 10, b"b" * CHUNK_SIZE, b"c" * (3 * CHUNK_SIZE), b"d" * 4096]
    stream = guest.call("append-via-stream", file)
    at = 0
    for number, part in enumerate(parts):
        linear, view = memory(part)
        if number % 2:
            assert guest.call("write", file, view, at) == len(part)
        elif number:
            io.write(guest, stream, view)
        else:
            assert io.blocking_write_and_flush(guest, stream, view) is None
        linear[:] = bytes(len(part))
        at += len(part)
    assert guest.filesystem.read_file(f"/{path}") == b"".join(parts)


def test_views_are_asked_for() -> None:
    assert types.types.views == {"[method]descriptor.write"}
    assert io.streams.views == {f"[method]output-stream.{name}" for name in ("write", "blocking-write-and-flush")}


READS = [(0, 5), (3, 10), (0, CHUNK_SIZE), (CHUNK_SIZE - 5, 10), (0, 3 * CHUNK_SIZE), (2 * CHUNK_SIZE, CHUNK_SIZE)]


def test_what_was_read_stays_as_it_was(guest: Guest, settle: Callable[[], None]) -> None:
    """A guest may be suspended with it, while another writes to the file, or a change set fails."""
    file = guest.open("f", "create", flags=READ | WRITE)
    before, seen = b"", []
    for letter in (b"a", b"b", b"c"):
        guest.call("write", file, letter * (2 * CHUNK_SIZE + 100), 0)
        before = letter * (2 * CHUNK_SIZE + 100)
        for _ in range(3):
            for offset, count in READS:
                data, _ = guest.call("read", file, count, offset)
                seen.append((data, before[offset : offset + count]))
            settle()
    guest.call("set-size", file, 1)
    guest.call("write", file, b"z" * (3 * CHUNK_SIZE), 0)
    settle()
    for data, expected in seen:
        assert data == expected


def test_a_read_within_a_stored_chunk_is_no_copy(guest: Guest) -> None:
    guest.filesystem.write_file("/f", b"x" * CHUNK_SIZE)
    guest.world.save()
    guest.world.reload()
    file = guest.open("f")
    stored = guest.world.backend.chunks[file.handle.node.ino][0]
    assert guest.call("read", file, CHUNK_SIZE, 0)[0] is stored
    part, _ = guest.call("read", file, 100, 50)
    assert isinstance(part, memoryview)
    assert part.obj is stored
