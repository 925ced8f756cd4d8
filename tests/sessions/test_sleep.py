"""Sessions over the sleep of their VM, and over the end of their daemon."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from runtime.api.errors import ErrorCode
from runtime.sessions.queries import persisted_sessions
from tests.sessions.fakes import (
    FakeAgent,
    FakeVm,
    failing,
    never,
    new,
    resume_options,
    start,
    until_cancelled,
)

if TYPE_CHECKING:
    import pytest
    from trio.testing import MockClock


async def test_sleep_and_wake(asleep: FakeVm) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        id_ = await new(vm, secrets={"S": "s"})
        await sessions.prompt(id_, "hello")
        await sessions.suspend_all()
        assert vm.running == []
        with failing(ErrorCode.BUSY):
            await sessions.prompt(id_, "x")
    (row,) = await persisted_sessions(vm.store, "vm")
    assert row["status"] == "suspended"
    assert (await vm.log(id_))[-1] == "_torpor/session_suspended"
    async with vm.awake() as sessions:
        assert vm.sessions.get(id_)["status"] == "suspended"
        assert (await sessions.prompt(id_, "more"))["stopReason"] == "end_turn"
        assert vm.agent.process.env["S"] == "s", "secrets outlive sleep"
        assert (await vm.log(id_)).count("_torpor/turn_interrupted") == 0


async def test_sleep_waits_for_turns_up_to_its_grace(
    asleep: FakeVm, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    vm = asleep

    async def slow(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await trio.sleep(3)
        return {"stopReason": "end_turn"}

    async with vm.awake() as sessions:
        vm.behaviour["session/prompt"] = slow
        done, stuck = await new(vm), await new(vm)
        first = await start(vm, nursery, done)
        vm.behaviour["session/prompt"] = never
        second = await start(vm, nursery, stuck)
        await sessions.suspend_all(5000)
        assert first.result is not None
        assert first.result["stopReason"] == "end_turn"
        assert second.result is not None
        assert second.result["stopReason"] == "cancelled"
        assert vm.running == []


async def test_forced_sleep_does_not_wait(asleep: FakeVm, nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        vm.behaviour["session/prompt"] = never
        prompting = await start(vm, nursery, await new(vm))
        before = trio.current_time()
        await sessions.suspend_all(60_000, force=True)
        assert trio.current_time() - before < 1
        await prompting.done.wait()
        assert prompting.result is not None
        assert prompting.result["stopReason"] == "cancelled"


async def test_a_sleep_that_is_called_off(asleep: FakeVm, nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        vm.behaviour["session/prompt"] = until_cancelled
        id_ = await new(vm)
        await start(vm, nursery, id_)
        with trio.move_on_after(1):
            await sessions.suspend_all(60_000)
        assert sessions.get(id_)["status"] == "running"
        await sessions.cancel(id_)
        vm.behaviour["session/prompt"] = until_cancelled
        again = await start(vm, nursery, id_)
        assert again.error is None


async def test_a_turn_that_the_daemon_did_not_survive(asleep: FakeVm, nursery: trio.Nursery) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        vm.behaviour["session/prompt"] = until_cancelled
        id_ = await new(vm)
        prompting = await start(vm, nursery, id_, idempotency_key="k")
        # What leaving without suspend_all does to the log is what kill -9 does.
        del sessions
    await prompting.done.wait()
    assert prompting.error is not None
    assert prompting.error.code is ErrorCode.SHUTTING_DOWN
    assert (await vm.log(id_))[-1] == "agent_message_chunk"
    assert (await persisted_sessions(vm.store, "vm"))[0]["status"] == "suspended"
    async with vm.awake() as sessions:
        assert (await vm.log(id_))[-1] == "_torpor/turn_interrupted", "marked before anybody asks for the session"
        assert sessions.get(id_)["status"] == "suspended"
        prompting = await start(vm, nursery, id_, idempotency_key="k")
        await sessions.cancel(id_)
        await prompting.done.wait()
        assert prompting.result is not None
        assert (await vm.log(id_)).count("_torpor/turn_interrupted") == 1


async def test_secrets_are_asked_for_again(asleep: FakeVm) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        id_ = await new(vm, secrets={"S": "s"})
        await sessions.suspend_all()
    vm.secrets.clear()  # the daemon was restarted
    async with vm.awake() as sessions:
        with failing(ErrorCode.SECRETS_REQUIRED) as data:
            await sessions.prompt(id_, "x")
        assert data["names"] == ["S"]
        await sessions.resume(id_, resume_options({"secrets": {"S": "again"}}))
        assert vm.agent.process.env["S"] == "again"


async def test_a_lost_key_asks_for_the_environment(asleep: FakeVm) -> None:
    vm = asleep
    async with vm.awake() as sessions:
        id_ = await new(vm, env={"KEY": "k"})
        await sessions.suspend_all()
    vm.store.path.with_name("key").unlink()
    async with vm.awake() as sessions:
        with failing(ErrorCode.SECRETS_REQUIRED) as data:
            await sessions.resume(id_)
        assert data["names"] == ["KEY"]
        await sessions.resume(id_, resume_options({"env": {"KEY": "again"}}))
        assert vm.agent.process.env["KEY"] == "again"


async def test_all_that_is_lost_is_asked_for_at_once(asleep: FakeVm, monkeypatch: pytest.MonkeyPatch) -> None:
    vm = asleep
    monkeypatch.setenv("HOST_KEY", "h")
    server = {"type": "remote", "url": "https://mcp.example"}
    vm.capabilities = {"mcpCapabilities": {"http": True}}
    async with vm.awake() as sessions:
        id_ = await new(
            vm,
            env={"KEY": "k", "OTHER": "o"},
            secrets={"S": "s", "H": {"fromHostEnv": "HOST_KEY"}},
            mcpServers=[server],
        )
        await sessions.suspend_all()
    vm.store.path.with_name("key").unlink()
    vm.secrets.clear()  # the daemon was restarted on another machine
    monkeypatch.delenv("HOST_KEY")
    everything = {"env": ["KEY", "OTHER"], "mcpServers": [], "secrets": ["H", "S"]}
    async with vm.awake() as sessions:
        for ask in (partial(sessions.prompt, id_, "x"), partial(sessions.resume, id_)):
            with failing(ErrorCode.SECRETS_REQUIRED) as data:
                await ask()
            assert data["missing"] == everything
            assert (data["names"], data["options"]) == (["H", "KEY", "OTHER", "S"], [*everything])
            assert data["hostEnv"] == ["HOST_KEY"]
        env, secrets = {"KEY": "again", "OTHER": "again"}, {"S": "again", "H": "again"}
        for given, missing in (
            ({"env": {"KEY": "again"}}, {"env": ["OTHER"], "mcpServers": [], "secrets": ["H", "S"]}),
            ({"env": env, "mcpServers": []}, {"secrets": ["H", "S"]}),
            ({"env": env, "secrets": {"S": "again"}}, {"mcpServers": [], "secrets": ["H"]}),
            ({"secrets": secrets}, {"env": ["KEY", "OTHER"], "mcpServers": []}),
            ({}, everything),
        ):
            with failing(ErrorCode.SECRETS_REQUIRED) as data:
                await sessions.resume(id_, resume_options(given))
            assert data["missing"] == missing, "what was given before was not taken over"
        await sessions.resume(id_, resume_options({"env": env, "secrets": secrets, "mcpServers": [server]}))
        assert {name: vm.agent.process.env[name] for name in ("KEY", "S", "H")} == dict.fromkeys(
            ("KEY", "S", "H"), "again"
        )


async def test_a_secret_cannot_come_back_in_env(asleep: FakeVm) -> None:
    async with asleep.awake() as sessions:
        id_ = await new(asleep, secrets={"S": "s"})
        with failing(ErrorCode.INVALID_ARGUMENT) as data:
            await sessions.resume(id_, resume_options({"env": {"S": "other"}}))
        assert data["pointer"] == "/options/env/S"
