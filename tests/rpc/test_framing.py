from __future__ import annotations

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from runtime import jsonrpc
from runtime.rpc import framing
from runtime.rpc.framing import Flow, LineReader, LineTooLongError, Outbox


class Sender:
    """A transport as far as an outbox sees it."""

    def __init__(self, stream):
        self._stream = stream

    async def send(self, lines):
        await self._stream.send_all(b"".join(lines))


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


def test_an_offer_is_refused_when_its_flow_or_the_outbox_is_full():
    outbox = Outbox(limit=10, flow_limit=6)
    flow, other = Flow(), Flow()
    assert outbox.offer(b"1234", flow)
    assert not outbox.offer(b"123", flow)
    assert outbox.offer(b"12", flow)
    assert not outbox.offer(b"12345", other)
    assert outbox.offer(b"1234", other)
    outbox.force(b"the last word")


def test_a_line_larger_than_the_limits_is_taken_when_nothing_waits():
    outbox = Outbox(limit=10, flow_limit=5)
    flow = Flow()
    assert outbox.offer(b"x" * 100, flow)
    assert not outbox.offer(b"x", flow)


async def test_what_goes_in_first_leaves_first_and_senders_wait_for_room(nursery):
    outbox = Outbox(limit=4)
    sender, receiver = memory_stream_pair()
    done = []

    async def send(line: bytes) -> None:
        await outbox.send(line)
        done.append(line)

    await send(b"aaa\n")
    for line in (b"bbb\n", b"c\n", b"d\n"):
        nursery.start_soon(send, line)
        await wait_all_tasks_blocked()
    assert done == [b"aaa\n"]
    nursery.start_soon(outbox.write_to, Sender(sender))
    reader = LineReader(receiver)
    assert [await reader.receive() for _ in range(4)] == [b"aaa", b"bbb", b"c", b"d"]
    await outbox.drained()
    assert outbox.idle
    nursery.cancel_scope.cancel()


async def test_a_replay_waits_for_its_own_share_and_holds_nobody_up(nursery):
    outbox = Outbox(limit=100, flow_limit=4)
    flow = Flow()
    await outbox.send(b"1234", flow)
    nursery.start_soon(outbox.send, b"5", flow)
    await wait_all_tasks_blocked()
    await outbox.send(b"answer")
    sender, receiver = memory_stream_pair()
    nursery.start_soon(outbox.write_to, Sender(sender))
    await wait_all_tasks_blocked()
    assert await receiver.receive_some() == b"1234answer5"
    nursery.cancel_scope.cancel()


async def test_closing_lets_go_of_those_who_wait(nursery):
    outbox = Outbox(limit=4)
    await outbox.send(b"1234")
    nursery.start_soon(outbox.send, b"5")
    nursery.start_soon(outbox.drained)
    await wait_all_tasks_blocked()
    outbox.close()
    with trio.fail_after(5):
        await wait_all_tasks_blocked()
    await outbox.send(b"6")
    assert outbox.idle


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
