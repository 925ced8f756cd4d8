from __future__ import annotations

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from runtime import jsonrpc
from runtime.rpc import framing
from runtime.rpc.framing import LineReader, LineTooLongError


@pytest.mark.parametrize("piece", [4, 1 << 20])
async def test_lines_are_split_wherever_the_bytes_break(monkeypatch, piece):
    """Also where what has come of a line is kept in pieces."""
    monkeypatch.setattr(jsonrpc, "LONG", piece)
    sender, receiver = memory_stream_pair()
    reader = LineReader(receiver)
    for byte in b"one\n\r\n  \ntwo\r\nthr":
        await sender.send_all(bytes([byte]))
    await sender.send_all(b"ee")
    await sender.send_eof()
    assert [await reader.receive() for _ in range(4)] == [b"one", b"two", b"three", None]
    assert await reader.receive() is None


@pytest.mark.parametrize("ending", [b"", b"\n"])
async def test_a_line_may_be_as_long_as_the_limit_and_no_longer(ending):
    sender, receiver = memory_stream_pair()
    reader = LineReader(receiver, max_line=4)
    await sender.send_all(b"1234\n12345" + ending)
    assert await reader.receive() == b"1234"
    with pytest.raises(LineTooLongError):
        await reader.receive()


async def test_cancelling_a_receive_loses_nothing():
    sender, receiver = memory_stream_pair()
    reader = LineReader(receiver)
    await sender.send_all(b"ab")
    with trio.move_on_after(0):
        await reader.receive()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader.receive)
            await wait_all_tasks_blocked()
            scope.cancel()
    await sender.send_all(b"c\n")
    assert await reader.receive() == b"abc"


async def test_what_is_held_of_a_line_is_what_is_charged(monkeypatch):
    monkeypatch.setattr(jsonrpc, "LONG", 10)
    sender, receiver = memory_stream_pair()
    reader, charged = LineReader(receiver), []
    reader.charge = charged.append
    await sender.send_all(b"x" * 25 + b"\nrest")
    assert await reader.receive() == b"x" * 25
    assert sum(charged) == len(b"rest")
    with trio.move_on_after(0):
        await reader.receive()
    await sender.send_all(b"\n" + b" " * (framing.RECEIVE_SIZE + 1) + b"\n")
    await sender.send_eof()
    assert await reader.receive() == b"rest"
    assert await reader.receive() == b" " * (framing.RECEIVE_SIZE + 1), "to look at it takes as long as to refuse it"
    assert await reader.receive() is None
    assert sum(charged) == 0


async def test_cancelling_while_a_long_line_is_put_together_loses_nothing(monkeypatch):
    monkeypatch.setattr(jsonrpc, "LONG", 10)
    sender, receiver = memory_stream_pair()
    reader, charged = LineReader(receiver), []
    reader.charge = charged.append
    await sender.send_all(b"x" * 25 + b"\nnext\n")

    async def interrupted(_pieces):
        scope.cancel()
        await trio.lowlevel.checkpoint()

    with monkeypatch.context() as patch, trio.CancelScope() as scope:
        patch.setattr(framing, "one", interrupted)
        await reader.receive()
    assert scope.cancelled_caught
    assert [await reader.receive() for _ in range(2)] == [b"x" * 25, b"next"]
    assert sum(charged) == 0
