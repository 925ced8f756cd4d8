"""What a program hears of a session or a VM: by iterating, and by callbacks."""

from __future__ import annotations

import itertools

import anyio
import pytest

import torpor
from runtime.client import subscription
from runtime.client.client import connect
from runtime.client.notification import Notification

names = (f"vm-subscriptions-{number}" for number in itertools.count())


def test_iterating_over_a_session(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            await agent.create_session("echo", session_id="other")
            await agent.send_prompt("s", "say before")
            async with agent.connect("s") as conn, agent.connect("s", after=-1) as replay:
                response = await agent.send_prompt("s", "say a b")
                await agent.send_prompt("other", "say x")
                live = [event async for event in until(conn, response.seq)]
                assert [(event.seq, event.type, event.text) for event in live] == [
                    (2, "user_message_chunk", "say a b"),
                    (3, "agent_message_chunk", "a"),
                    (4, "agent_message_chunk", "b"),
                ]
                assert {(event.method, event.session_id) for event in live} == {("sessionEvent", "s")}
                assert [event.seq async for event in until(replay, response.seq)] == [0, 1, 2, 3, 4]
                assert (await client.status())["subscriptions"] == 2
            assert [event async for event in conn] == []
            while (await client.status())["subscriptions"]:
                pass

    run(main)


async def until(conn, seq):
    async for event in conn:
        yield event
        if event.seq == seq:
            return


def test_iterating_over_a_vm(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            await agent.send_prompt("s", "say before")
            async with agent.connect() as conn, agent.connect(types=["vmState"]) as states:
                await agent.send_prompt("s", "say a")
                await agent.create_session("echo", session_id="t")
                await agent.send_prompt("t", "say b")
                await agent.sleep()
                seen = [event async for event in until_method(conn, "vmState")]
                assert [(event.session_id, event.seq) for event in seen] == [
                    *[("s", 2), ("s", 3), ("t", 0), ("t", 1)],
                    (None, None),
                ]
                assert [(event.type, event.text) async for event in until_method(states, "vmState")] == [(None, "")]

    run(main)


async def until_method(conn, method):
    async for event in conn:
        yield event
        if event.method == method:
            return


def test_callbacks_come_before_the_answer(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            seen = []
            conn = agent.connect()
            conn.on("sessionEvent", lambda data: seen.append(data["seq"]))
            async with conn:
                await agent.send_prompt("s", "burst 50")
                assert seen == list(range(51))
                with pytest.raises(RuntimeError, match="callbacks"):
                    await anext(conn)
                conn.on("vmState", lambda data: seen.append(data["state"]))
                await agent.sleep()
                while seen[-1] != "asleep":
                    await client.status()
            await agent.send_prompt("s", "say x")
            assert seen[-1] == "asleep"

    run(main)


def test_callbacks_that_come_late_get_what_waits(run, socket_path):
    async def main():
        async with connect(socket_path) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            async with agent.connect("s") as conn:
                await agent.send_prompt("s", "say a")
                seen = []
                conn.on("sessionEvent", seen.append)
                assert [data["seq"] for data in seen] == [0, 1]

    run(main)


def test_callbacks_may_be_async_and_call_the_daemon(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            conn = agent.connect("s")

            async def allow(data):
                await agent.respond_permission("s", data["request"]["permissionId"], "once")

            conn.on("permissionRequest", allow)
            async with conn:
                assert (await agent.send_prompt("s", "ask")).stop_reason == "end_turn"

            async def fail(_data):
                await client.status()
                raise ZeroDivisionError

            conn = agent.connect("s")
            conn.on("sessionEvent", fail)
            with pytest.raises(ZeroDivisionError):
                await hear(agent, conn)

    run(main)


def test_a_callback_that_fails_ends_the_block(run, socket_path):
    async def main():
        async with connect(socket_path) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            conn = agent.connect("s")
            conn.on("sessionEvent", lambda data: data["nothing"])
            with pytest.raises(KeyError):
                await hear(agent, conn)
            async with agent.connect("s") as conn:
                await agent.send_prompt("s", "say a")
            assert await agent.list_sessions()

    run(main)


async def hear(agent, conn):
    async with conn:
        await agent.send_prompt("s", "say a")
        await anyio.sleep_forever()


def test_a_connection_that_is_given_up_leaves_no_subscription(run, place):
    async def main():
        async with connect(place) as client:
            agent = await client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            for delay in [0, 0.0005, 0.001, 0.002] * 5:
                for session in ("s", None):
                    with anyio.move_on_after(delay):
                        await hear(agent, agent.connect(session))
            await agent.cancel_prompt("s")
            while (await client.status())["subscriptions"]:
                pass

    run(main)


def test_what_cannot_be_heard(run, socket_path):
    async def main():
        async with connect(socket_path) as client:
            agent = client.vm.get_or_create(next(names))
            with pytest.raises(ValueError, match="one session"):
                agent.connect(after=-1)
            for session in ("missing", None):
                with pytest.raises(torpor.RpcError):
                    async with (agent if session else client.vm.get("missing")).connect(session):
                        pytest.fail("there is nothing to hear")
            assert (await client.status())["subscriptions"] == 0

    run(main)


@pytest.mark.parametrize("whole_vm", [False, True])
def test_a_slow_program_misses_nothing_and_costs_a_bounded_amount(run, socket_path, monkeypatch, whole_vm):
    monkeypatch.setattr(subscription, "MAX_QUEUED", 10)

    async def main():
        async with connect(socket_path) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            await agent.create_session("echo", session_id="t")
            async with agent.connect(None if whole_vm else "s") as conn:
                await agent.send_prompt("s", "burst 300")
                await agent.send_prompt("t", "burst 100")
                assert len(conn._queue) <= 10
                seen = []
                async for event in conn:
                    if event.method == "sessionEvent":
                        seen.append(event)
                    else:  # after each gap
                        assert event.params["reason"] == "reconnected"
                    assert len(conn._queue) <= 10
                    if len(seen) == 301 + whole_vm * 101:
                        break
                for session, count in [("s", 301), ("t", 101 * whole_vm)]:
                    assert [event.seq for event in seen if event.session_id == session] == list(range(count))

    run(main)


def test_a_lagging_subscription_is_mended(run, place, monkeypatch):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            async with agent.connect("s") as conn, agent.connect() as whole:
                await agent.send_prompt("s", "burst 10")
                for each in (conn, whole):
                    each.hear(torpor.Notification("subscriptionLagged", {"lastSeq": 3}))
                last = (await agent.send_prompt("s", "burst 10")).seq
                for each in (conn, whole):
                    events = [event async for event in until(each, last)]
                    assert [event.seq for event in events if event.seq is not None] == list(range(last + 1))
                    assert {event.params["reason"] for event in events if event.seq is None} <= {"reconnected"}

    run(main)


def test_so_many_permission_requests_are_remembered_as_told(run, socket_path):
    async def main():
        async with connect(socket_path) as client:
            told = client.vm.get("v").connect("s")
            asked = [
                Notification("permissionRequest", {"sessionId": "s", "request": {"permissionId": str(number)}})
                for number in range(subscription.MAX_ASKED + 1)
            ]
            assert all(told._is_asked_first(each) for each in asked)
            assert [told._is_asked_first(each) for each in (asked[-1], asked[1], asked[0])] == [False, False, True]

    run(main)
