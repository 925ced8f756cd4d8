"""Agents that end in the moment in which they are taken into service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api.errors import ErrorCode
from runtime.sessions.queries import persisted_sessions
from tests.sessions.fakes import Exit, create_options, failing, new
from tests.settled import settled, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest

    from tests.sessions.fakes import FakeVm


def ending_the_agent(vm: FakeVm, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def ended(*args: Any, **options: Any) -> Any:
        vm.agent.process.finish(Exit(3))
        await settled()
        return await function(*args, **options)

    return ended


async def test_a_new_session_whose_agent_ends_is_none(vm: FakeVm, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(vm.store.sessions, "create", ending_the_agent(vm, vm.store.sessions.create))
        with failing(ErrorCode.AGENT_FAILED) as data:
            await vm.sessions.create("fake", create_options({"sessionId": "mine"}))
    assert (data["phase"], data["exitCode"]) == ("session/new", 3)
    assert await persisted_sessions(vm.store, "vm") == []
    assert len(vm.sessions._registry) == 0
    await vm.sessions.create("fake", create_options({"sessionId": "mine"}))
    assert vm.sessions.get("mine")["status"] == "idle"


async def test_a_session_whose_agent_ends_is_not_resumed(vm: FakeVm, monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = await new(vm)
    await vm.sessions.prompt(id_, "hello")
    await vm.sessions.close(id_)
    with monkeypatch.context() as patch:
        patch.setattr(vm.files, "write_file", ending_the_agent(vm, vm.files.write_file))
        with failing(ErrorCode.AGENT_FAILED) as data:
            await vm.sessions.resume(id_)
    assert (data["phase"], data["exitCode"]) == ("session/new", 3)
    assert "_torpor/session_resumed" not in await vm.log(id_)
    assert vm.sessions.get(id_)["status"] == "closed"
    assert vm.sessions.statuses() == {}
    await vm.sessions.resume(id_)
    assert (await vm.sessions.prompt(id_, "on"))["text"].endswith("on")
    await until(lambda: len(vm.running) == 1)
