from __future__ import annotations

import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from runtime.rpc.framing import LineReader
from runtime.rpc.outbox import Flow, Outbox
from tests.patience import WAIT


class Sender:
    """A transport as far as an outbox sees it."""

    def __init__(self, stream):
        self._stream = stream

    async def send(self, lines):
        await self._stream.send_all(b"".join(lines))


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
    with trio.fail_after(WAIT):
        await wait_all_tasks_blocked()
    await outbox.send(b"6")
    assert outbox.idle
