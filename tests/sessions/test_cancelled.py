"""Whoever asks for something may go away at any moment: it is done as a whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.forks import plan_session_fork
from runtime.sessions.queries import persisted_sessions
from tests.sessions.cancelling import attempts
from tests.sessions.fakes import (
    MODES,
    Prompting,
    create_options,
    echo,
    never,
    new,
    option,
    resume_options,
    until_cancelled,
)
from tests.settled import settled, until

if TYPE_CHECKING:
    from tests.sessions.fakes import FakeAgent, FakeVm

KEY: dict[str, Any] = {"env": {"KEY": "k"}, "secrets": {"S": "s"}}


async def rows(vm: FakeVm) -> list[dict[str, Any]]:
    return await persisted_sessions(vm.store, "vm", vm.sessions.statuses())


async def test_create(vm: FakeVm) -> None:
    made = 0
    for attempt in attempts():
        await attempt.run(lambda: vm.sessions.create("fake", create_options({"sessionId": "mine", **KEY})))
        await settled()
        assert not vm.sessions.busy
        if attempt.cancelled:
            assert await rows(vm) == []
            assert vm.running == []
            assert vm.sessions._registry.secrets == {}
            assert len(vm.sessions._registry) == 0
        else:
            made += 1
            (row,) = await rows(vm)
            assert (row["sessionId"], row["status"], len(vm.running)) == ("mine", "idle", 1)
            assert (await vm.sessions.prompt("mine", "hello"))["text"] == "hello"
            await vm.sessions.destroy("mine")
            await until(lambda: not vm.running)
    assert made == 1, "a cancel that comes too late is none"


async def test_create_while_the_vm_falls_asleep(asleep: FakeVm) -> None:
    vm = asleep
    for attempt in attempts():
        outcome: list[Any] = []
        async with vm.awake() as sessions:

            async def create() -> None:
                try:
                    outcome.append(await sessions.create("fake", create_options({"sessionId": "mine"})))  # noqa: B023
                except ApiError as error:
                    outcome.append(error.code)  # noqa: B023

            # What a shutdown does when its patience is over.
            await attempt.run(create, vm.sessions._registry.call_off_creations)
            await sessions.suspend_all()
        assert vm.running == []
        if outcome == [ErrorCode.BUSY]:
            assert await persisted_sessions(vm.store, "vm") == []
        else:
            assert outcome[0]["sessionId"] == "mine"
            (row,) = await persisted_sessions(vm.store, "vm")
            assert row["status"] == "suspended"
            await vm.store.sessions.delete(vm.store.sessions.list(1)[0].row)


async def test_resume(vm: FakeVm) -> None:
    async def new_session(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {"sessionId": agent.session_id, "modes": MODES, "configOptions": [option("model", "a", "model")]}

    vm.behaviour["session/new"] = new_session
    id_ = await new(vm, **KEY)
    await vm.sessions.prompt(id_, "hello")
    for attempt in attempts():
        await vm.sessions.close(id_)
        await attempt.run(lambda: vm.sessions.resume(id_, resume_options({"env": {"KEY": "again"}})))
        await settled()
        assert len(vm.running) <= 1
        assert vm.sessions.get(id_)["status"] in ("idle", "closed")
        assert (vm.sessions.get(id_)["status"] == "idle") == bool(vm.running)
        if not attempt.cancelled:
            assert attempt.result["sessionId"] == id_
        if not vm.running:
            await vm.sessions.resume(id_)
        assert (await vm.sessions.prompt(id_, "on"))["text"].endswith("on")
    log = await vm.log(id_)
    assert log.count("_torpor/turn_started") == log.count("_torpor/turn_ended")


@pytest.mark.parametrize("live", [True, False])
async def test_prompt(vm: FakeVm, live: bool) -> None:
    id_ = await new(vm)
    for attempt in attempts():
        if not live:
            await vm.sessions.close(id_)
            await vm.sessions.resume(id_)
            vm.agent.process.kill()
            await until(lambda: vm.sessions.get(id_)["status"] == "suspended")
        key, text = f"key {attempt.at}", f"text {attempt.at}"
        await attempt.run(lambda: vm.sessions.prompt(id_, text, key))  # noqa: B023
        await until(lambda: not vm.sessions.busy)
        again = await vm.sessions.prompt(id_, text, key)
        if not attempt.cancelled:
            assert again == attempt.result
        said = [event["params"]["update"] for event in await vm.events(id_) if "user_message_chunk" in str(event)]
        assert [each["content"]["text"] for each in said].count(text) == 1, "sent again it is not run again"
        assert again["stopReason"] == "end_turn"
    log = await vm.log(id_)
    assert log.count("_torpor/turn_started") == log.count("_torpor/turn_ended")


async def test_the_end_of_a_turn(vm: FakeVm) -> None:
    vm.behaviour["session/prompt"] = until_cancelled
    id_ = await new(vm)
    for attempt in attempts():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(vm.sessions.prompt, id_, "hello")
            await until(lambda: vm.prompted == attempt.at)  # noqa: B023
            await attempt.run(lambda: vm.sessions.cancel(id_))
            await settled()
            if vm.sessions.busy:
                assert attempt.cancelled
                await vm.sessions.cancel(id_)
        assert vm.sessions.get(id_)["status"] == "idle"
    assert (await vm.log(id_)).count("_torpor/turn_ended") == vm.prompted


@pytest.mark.parametrize("verb", ["close", "destroy"])
async def test_the_end_of_a_session(vm: FakeVm, verb: str) -> None:
    for attempt in attempts():
        id_ = await new(vm)
        vm.behaviour["session/prompt"] = until_cancelled
        async with trio.open_nursery() as nursery:
            nursery.start_soon(vm.sessions.prompt, id_, "hello")
            await until(lambda: vm.prompted == attempt.at)  # noqa: B023
            await attempt.run(lambda: getattr(vm.sessions, verb)(id_))  # noqa: B023
            await until(lambda: not vm.running)
        await settled()
        if verb == "close":
            assert vm.sessions.get(id_)["status"] == "closed", "once begun it goes on to its end"
            await vm.sessions.destroy(id_)
        assert await rows(vm) == []
        assert len(vm.sessions._registry) == 0


@pytest.mark.parametrize("force", [True, False])
async def test_sleep(asleep: FakeVm, force: bool) -> None:
    vm = asleep
    for attempt in attempts():
        async with vm.awake() as sessions, trio.open_nursery() as nursery:
            vm.behaviour["session/prompt"] = until_cancelled
            busy, idle = await new(vm), await new(vm)
            before = vm.prompted
            nursery.start_soon(sessions.prompt, busy, "hello")
            await until(lambda: vm.prompted > before)  # noqa: B023
            await attempt.run(lambda: sessions.suspend_all(0, force=force))
            await settled()
            states = [sessions.get(busy)["status"], sessions.get(idle)["status"]]
            if attempt.cancelled:
                assert states == ["running", "idle"], "cancelled in its patience it leaves the VM as it was"
                await sessions.cancel(busy)
                vm.behaviour["session/prompt"] = never
                nursery.start_soon(sessions.prompt, idle, "more")
                await until(lambda: vm.prompted > before + 1)  # noqa: B023
                await sessions.suspend_all(force=True)
            else:
                assert states == ["suspended", "suspended"]
            assert vm.running == []
        for row in await persisted_sessions(vm.store, "vm"):
            assert row["status"] == "suspended"
            log = await vm.log(row["sessionId"])
            assert log.count("_torpor/turn_started") == log.count("_torpor/turn_ended")


@pytest.mark.parametrize("reply", ["once", None])
async def test_an_answer_to_a_permission_request(vm: FakeVm, reply: Any) -> None:
    async def ask(agent: FakeAgent, params: dict[str, Any]) -> Any:
        options = [{"optionId": "y", "kind": "allow_once", "name": "Yes"}]
        answer = await agent.request("session/request_permission", toolCall={"toolCallId": "t"}, options=options)
        await agent.say(str(answer["result"]["outcome"].get("optionId")))
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = ask
    id_ = await new(vm)
    results: list[Any] = []

    async def prompt() -> None:
        results.append(await vm.sessions.prompt(id_, "go"))

    for attempt in attempts():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(prompt)
            await until(lambda: bool(vm.sessions.get(id_)["pendingPermissions"]))
            (request,) = vm.sessions.get(id_)["pendingPermissions"]
            option_id = None if reply else "y"
            await attempt.run(
                lambda: vm.sessions.respond_permission(id_, request["permissionId"], reply, option_id)  # noqa: B023
            )
            await settled()
            if vm.sessions.busy:
                await vm.sessions.respond_permission(id_, request["permissionId"], reply, option_id)
        assert results[-1]["text"] == "y"


@pytest.mark.slow
async def test_reading_a_session_back(asleep: FakeVm) -> None:
    vm = asleep
    vm.behaviour["session/prompt"] = until_cancelled
    async with vm.awake():
        template = await new(vm)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Prompting(vm, template).run)
            await until(lambda: bool(vm.prompted))
            await settled()
            # Leaving without suspend_all does to the log what kill -9 does.
            vm.sessions._nursery.cancel_scope.cancel()
    (record,) = vm.store.sessions.list(1)
    vm.behaviour["session/prompt"] = echo
    for attempt in attempts():
        # A fork of a session has the open turn, and nobody marks it before it is used.
        copy = await plan_session_fork(vm.store, "vm", template, record.last_seq)
        id_ = f"fork-{attempt.at}"
        await vm.store.forks.fork_session(copy, id_, 0)
        async with vm.awake() as sessions:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sessions.cancel, id_)  # somebody else wants it in the same moment
                await attempt.run(lambda: sessions.prompt(id_, "hello"))  # noqa: B023
            await until(lambda: not sessions.busy)
            assert (await sessions.prompt(id_, "on"))["text"].endswith("on")
            await sessions.suspend_all()
        assert (await vm.log(id_)).count("_torpor/turn_interrupted") == 1
