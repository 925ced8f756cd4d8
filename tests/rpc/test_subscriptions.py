"""Replay and live without a gap or a duplicate, lag, filters, and the order of a turn's events and its answer."""

from __future__ import annotations

import pytest
import trio
import trio.lowlevel
from trio.testing import wait_all_tasks_blocked

from runtime.hub import Notice
from runtime.rpc import outbox, subscriptions
from tests.patience import WAIT


async def collect(peer, count):
    return [(await peer.notification())["params"] for _ in range(count)]


def seqs(events):
    return [event["seq"] for event in events]


async def test_a_turns_events_come_before_its_answer(world, peer):
    await world.session()
    subscribed = await peer.call("subscribe", vm="v", sessionId="s", after=-1)
    assert subscribed["epoch"] == world.service.epoch
    for _ in range(3):
        turn = await peer.start("sendPrompt", vm="v", sessionId="s", prompt="burst 50")
        answer = (await peer.response(turn))["result"]
        assert seqs(n["params"] for n in peer.notifications)[-1] == answer["seq"]
    assert seqs(n["params"] for n in peer.notifications) == list(range(153))
    assert {n["params"]["subscriptionId"] for n in peer.notifications} == {subscribed["subscriptionId"]}
    assert peer.notifications[1]["params"] == {
        "subscriptionId": subscribed["subscriptionId"],
        "vm": "v",
        "sessionId": "s",
        "seq": 1,
        "createdAt": 1001,
        "event": {
            "jsonrpc": "2.0",
            "method": "session/update",
            "params": {
                "sessionId": "s",
                "update": {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "0 "}},
            },
        },
    }


async def test_an_answer_waits_for_a_replay_that_is_under_way(world, peer):
    sessions = await world.session()
    for number in range(2000):
        sessions.say("s", str(number))
    await peer.start("subscribe", vm="v", sessionId="s", after=-1)
    turn = await peer.start("sendPrompt", vm="v", sessionId="s", prompt="say x")
    answer = (await peer.response(turn))["result"]
    assert seqs(n["params"] for n in peer.notifications) == list(range(answer["seq"] + 1))


@pytest.mark.slow
@pytest.mark.parametrize("pending", [1024, 8])
async def test_replay_and_live_meet_without_gap_or_duplicate(world, peer, monkeypatch, pending):
    monkeypatch.setattr(subscriptions, "MAX_PENDING", pending)
    sessions = await world.session()
    for number in range(1000):
        sessions.say("s", str(number))
    await peer.call("subscribe", vm="v", sessionId="s", after=9)

    async def produce() -> None:
        for number in range(1000, 3000):
            sessions.say("s", str(number))
            if number % 16 == 0:
                await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(produce)
        with trio.fail_after(WAIT):
            events = await collect(peer, 2990)
    assert seqs(events) == list(range(10, 3000))


async def test_without_after_a_subscription_is_live_only(world, peer):
    sessions = await world.session()
    sessions.say("s", "before")
    await peer.call("subscribe", vm="v", sessionId="s")
    await peer.call("subscribe", vm="v")
    sessions.say("s", "after")
    assert seqs(await collect(peer, 2)) == [1, 1]


async def test_a_session_is_not_told_of_another_nor_a_vm_of_another(world, peer):
    mine = await world.session("v", "s")
    await mine.create("echo", {"sessionId": "t"})
    other = await world.session("w", "s")
    await peer.call("subscribe", vm="v", sessionId="s", after=-1)
    mine.say("t", "not mine")
    other.say("s", "not here")
    mine.say("s", "mine")
    world.host.hub.publish(Notice("vmState", "w", None, None, None, {"vm": "w", "state": "asleep"}))
    world.host.hub.publish(Notice("vmState", "v", None, None, None, {"vm": "v", "state": "asleep"}))
    first, second = [await peer.notification() for _ in range(2)]
    assert first["params"]["event"]["params"]["update"]["content"]["text"] == "mine"
    assert second["method"] == "vmState"
    assert second["params"]["vm"] == "v"


@pytest.mark.parametrize("after", [None, -1])
async def test_types_select_events_and_notifications(world, peer, after):
    sessions = await world.session()
    params = {} if after is None else {"after": after}
    types = ["agent_thought_chunk", "vmState"]
    await peer.call("subscribe", vm="v", sessionId="s", types=types, **params)
    sessions.say("s", "text")
    sessions.say("s", "thought", "agent_thought_chunk")
    world.host.hub.publish(Notice("permissionRequest", "v", "s", None, None, {"vm": "v"}))
    world.host.hub.publish(Notice("vmState", "v", None, None, None, {"vm": "v", "state": "asleep"}))
    assert (await peer.notification())["params"]["seq"] == 1
    assert (await peer.notification())["method"] == "vmState"


async def test_all_events_can_be_chosen_by_the_notifications_name(world, peer):
    sessions = await world.session()
    sessions.say("s", "one")
    await peer.call("subscribe", vm="v", sessionId="s", after=-1, types=["sessionEvent"])
    sessions.say("s", "two")
    assert seqs(await collect(peer, 2)) == [0, 1]


async def test_unsubscribe_ends_it_once(world, peer):
    sessions = await world.session()
    number = (await peer.call("subscribe", vm="v", sessionId="s"))["subscriptionId"]
    sessions.say("s", "heard")
    assert await peer.call("unsubscribe", subscriptionId=number) == {}
    sessions.say("s", "unheard")
    assert (await peer.error("unsubscribe", subscriptionId=number))["data"]["code"] == "not_found"
    assert seqs(n["params"] for n in peer.notifications) == [0]
    assert not world.host.hub._listeners


async def test_what_cannot_be_subscribed_to(world, peer, monkeypatch):
    await world.session()
    assert (await peer.error("subscribe", vm="w"))["data"]["code"] == "vm_not_found"
    assert (await peer.error("subscribe", vm="v", sessionId="x"))["data"]["code"] == "session_not_found"
    assert (await peer.error("subscribe", vm="v", after=1))["data"]["errors"][0]["pointer"] == "/after"
    monkeypatch.setattr(subscriptions, "MAX_SUBSCRIPTIONS", 1)
    await peer.call("subscribe", vm="v")
    error = await peer.error("subscribe", vm="v")
    assert error["data"] == {"code": "limit_exceeded", "retryable": False, "limit": "subscriptions"}


async def test_a_subscriber_that_lags_is_dropped_with_a_last_word(world, peer):
    sessions = await world.session()
    async with world.peer() as slow:
        number = (await slow.call("subscribe", vm="v", sessionId="s", after=-1))["subscriptionId"]
        await peer.call("subscribe", vm="v", sessionId="s", types=["agent_thought_chunk"])
        await wait_all_tasks_blocked()
        text = "x" * 100_000
        for _ in range(outbox.FLOW_BYTES // 100_000 + 20):  # the socket's own buffer holds some, too
            sessions.say("s", text)
        sessions.say("s", "the end", "agent_thought_chunk")
        assert (await peer.notification())["params"]["seq"] == len(sessions.events["s"]) - 1
        seen = []
        while (message := await slow.notification())["method"] == "sessionEvent":
            seen.append(message["params"]["seq"])
        assert message == {
            "jsonrpc": "2.0",
            "method": "subscriptionLagged",
            "params": {"subscriptionId": number, "lastSeq": seen[-1]},
        }
        assert seen == list(range(len(seen)))
        await slow.call("subscribe", vm="v", sessionId="s", after=seen[-1])
        rest = await collect(slow, len(sessions.events["s"]) - len(seen))
        assert seqs(rest) == list(range(len(seen), len(sessions.events["s"])))


async def test_a_live_subscriber_that_lags_at_once_is_told_where_it_began(world, peer, monkeypatch):
    sessions = await world.session()
    sessions.say("s", "before")
    await peer.call("subscribe", vm="v", sessionId="s")
    monkeypatch.setattr(outbox.Outbox, "offer", lambda *_: False)
    sessions.say("s", "lost")
    message = await peer.notification()
    assert (message["method"], message["params"]["lastSeq"]) == ("subscriptionLagged", 0)


async def test_a_replay_waits_for_a_peer_that_never_reads_and_costs_a_bounded_amount(world):
    sessions = await world.session()
    for _ in range(outbox.FLOW_BYTES // 10_000 * 2):
        sessions.say("s", "x" * 10_000)
    async with world.peer() as stuck:
        await stuck.start("subscribe", vm="v", sessionId="s", after=-1)
        await wait_all_tasks_blocked()
        (served,) = world.service.peers
        assert served._outbox._queued <= outbox.FLOW_BYTES + 20_000
        sessions.say("s", "live")
        events = await collect(stuck, len(sessions.events["s"]))
        assert seqs(events) == list(range(len(sessions.events["s"])))
    with trio.fail_after(WAIT):
        while world.host.hub._listeners:
            await trio.lowlevel.checkpoint()


@pytest.mark.slow
async def test_a_thousand_subscriptions_on_one_connection(world, peer):
    sessions = await world.session()
    sessions.say("s", "first")
    for _ in range(1000):
        await peer.start("subscribe", vm="v", sessionId="s", after=-1)
    while len(peer.responses) < 1000 or len(peer.notifications) < 1000:
        message = await peer.receive()
        if "method" in message:
            peer.notifications.append(message)
        else:
            peer.responses[message["id"]] = message
    assert (await peer.call("daemon.status"))["subscriptions"] == 1000
    for number in range(20):
        sessions.say("s", str(number))
    peer.notifications.clear()
    events = await collect(peer, 20_000)
    by_subscription: dict[str, list[int]] = {}
    for event in events:
        by_subscription.setdefault(event["subscriptionId"], []).append(event["seq"])
    assert len(by_subscription) == 1000
    assert all(found == list(range(1, 21)) for found in by_subscription.values())


async def test_a_session_destroyed_during_its_replay_ends_the_subscription(world, peer, monkeypatch):
    monkeypatch.setattr(subscriptions, "REPLAY_PAGE", 1)
    sessions = await world.session()
    for _ in range(5):
        sessions.say("s", "x")
    real = world.host.queries.session_events

    async def read(name, session_id, **bounds):
        if bounds.get("after") == 2:
            await sessions.destroy("s")
        return await real(name, session_id, **bounds)

    monkeypatch.setattr(world.host.queries, "session_events", read)
    await peer.call("subscribe", vm="v", sessionId="s", after=-1)
    assert seqs(await collect(peer, 3)) == [0, 1, 2]
    assert (await peer.call("daemon.status"))["subscriptions"] == 0


async def test_vm_names_in_notifications_have_the_form_that_they_came_in(world, peer):
    await peer.call("vm.getOrCreate", vm=["a", "b"])
    await peer.call("createSession", vm=["a", "b"], agentType="echo", options={"sessionId": "s"})
    await peer.call("subscribe", vm=["a", "b"], sessionId="s", after=-1)
    world.host.vms["a/b"].sessions.say("s", "live")
    await peer.call("sendPrompt", vm=["a", "b"], sessionId="s", prompt="say x")
    assert all(n["params"]["vm"] == ["a", "b"] for n in peer.notifications)
    await peer.call("subscribe", vm=["a", "b"], sessionId="s", after=-1)
    assert (await peer.notification())["params"]["vm"] == ["a", "b"]
