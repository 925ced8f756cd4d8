"""Pipes as such: how many there are, how much one holds, and when its ends are closed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from trio.testing import assert_checkpoints

from runtime.posix.delivery import Delivery, Inherited
from runtime.posix.descriptions import ATOMIC, Ready
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.pipes import CAPACITY, MAX_PIPES, Pipes
from runtime.posix.process import News
from runtime.posix.sys_files import _write_rest


def test_a_vm_has_so_many_pipes() -> None:
    pipes = Pipes()
    ends = [pipes.make(0) for _ in range(MAX_PIPES)]
    with pytest.raises(PosixError) as refused:
        pipes.make(0)
    assert refused.value.errno is Errno.ENFILE
    reader, writer = ends[0]
    for end in (reader, writer):
        end.hold()
    reader.release()
    with pytest.raises(PosixError):
        pipes.make(0)
    writer.release()
    pipes.make(0)


def test_a_pipe_holds_so_much() -> None:
    reader, writer = Pipes().make(0)
    assert writer.write(bytes(2 * CAPACITY)) == CAPACITY
    assert writer.write(b"x") is None
    assert reader.read(1) == b"\0"
    assert writer.write(bytes(ATOMIC)) is None, "in one piece or not at all"
    assert writer.write(bytes(ATOMIC + 1)) == 1
    assert reader.waiting() == CAPACITY


def test_what_was_written_is_read_before_the_end() -> None:
    reader, writer = Pipes().make(0)
    for end in (reader, writer):
        end.hold()
    assert reader.read(1) is None
    assert reader.ready() == 0
    writer.write(b"ab")
    writer.release()
    assert reader.ready() == Ready.IN | Ready.HANG_UP
    assert bytes(reader.read(9) or b"") == b"ab"
    assert reader.read(9) == b""


def test_nobody_reads() -> None:
    reader, writer = Pipes().make(0)
    for end in (reader, writer):
        end.hold()
    reader.release()
    assert writer.ready() == Ready.OUT | Ready.ERROR
    with pytest.raises(PosixError) as refused:
        writer.write(b"x")
    assert refused.value.errno is Errno.EPIPE


async def test_a_write_that_a_signal_breaks_off_lets_others_run() -> None:
    """Else a program that leaves its signal where it is, and fills and empties a pipe, kept the loop for itself."""
    _, writer = Pipes().make(0)
    process: Any = SimpleNamespace(is_stopped=False, news=News(), delivery=Delivery(Inherited(pending=1)))
    with assert_checkpoints():
        assert await _write_rest(process, writer, [bytes(2 * CAPACITY)], 0) == CAPACITY
