"""What all connections together make the daemon hold: half lines, requests under way, answers that nobody reads."""

from __future__ import annotations

import contextlib
import json

import pytest
import trio
from trio.testing import wait_all_tasks_blocked
from websockets.frames import Frame, Opcode

from runtime.rpc.connection import REQUEST_COST
from runtime.rpc.subscriptions import SUBSCRIPTION_COST
from tests.patience import WAIT

MIB = 1024 * 1024


async def half_line(peer, size):
    """Send the beginning of a message of `size` bytes and more."""
    if hasattr(peer.wire, "protocol"):
        frame = Frame(Opcode.TEXT, b" " * size, fin=False).serialize(mask=True)
        await peer.stream.send_all(frame)
    else:
        await peer.stream.send_all(b" " * size)


async def held(world, at_least):
    """Wait until the server has counted so much."""
    with trio.fail_after(WAIT):
        while world.service.budget.used < at_least:
            await trio.lowlevel.checkpoint()


async def test_half_lines_count_and_the_longest_goes_first(world, peer):
    world.service.budget.limit = 3 * MIB
    async with world.peer() as greedy, world.peer() as other:
        await half_line(greedy, 2 * MIB)
        await held(world, 2 * MIB)
        await half_line(other, MIB // 2)
        await held(world, 2 * MIB + MIB // 2)
        await half_line(other, MIB)
        message = await greedy.receive()
        assert message["error"]["data"]["code"] == "limit_exceeded"
        assert message["error"]["data"]["limit"] == "connectionBytes"
        assert message["error"]["data"]["allowed"] == 3 * MIB
        assert await greedy.receive() is None
        assert (await peer.call("hello"))["limits"]["maxConnectionBytes"] == 3 * MIB
    with trio.fail_after(WAIT):
        while world.service.budget.used > REQUEST_COST:
            await trio.lowlevel.checkpoint()


async def test_a_whole_line_leaves_nothing_behind(world, peer):
    for size in (10, 100_000, MIB):
        await peer.call("hello", client={"name": "x" * size})
        await wait_all_tasks_blocked()
        assert world.service.budget.used == 0


async def test_requests_under_way_count(world, peer):
    async with world.peer() as other:
        await world.session()
        await other.start("sendPrompt", vm="v", sessionId="s", prompt="hang " + "x" * REQUEST_COST)
        await held(world, 2 * REQUEST_COST)
        world.service.budget.limit = 2 * REQUEST_COST + REQUEST_COST // 2
        with trio.fail_after(WAIT):
            await peer.call("hello")
        while await other.receive() is not None:
            pass


async def test_subscriptions_count(world, peer):
    await world.session()
    subscription = await peer.call("subscribe", vm="v")
    await wait_all_tasks_blocked()
    assert world.service.budget.used == SUBSCRIPTION_COST
    await peer.call("unsubscribe", subscriptionId=subscription["subscriptionId"])
    await wait_all_tasks_blocked()
    assert world.service.budget.used == 0


@pytest.mark.slow
async def test_answers_that_nobody_reads_count(world, peer):
    """The peer that leaves them unread is cut off; it can be told nothing, since half an answer is on its way."""
    world.service.budget.limit = 4 * MIB
    async with world.peer() as greedy:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "rpc.discover"}).encode()
        with trio.fail_after(WAIT), contextlib.suppress(trio.BrokenResourceError):
            while True:
                await greedy.send(body)
        assert (await peer.call("hello"))["protocol"] == 1
    await wait_all_tasks_blocked()
    assert world.service.budget.used <= REQUEST_COST
