"""Agents that want to be authenticated (ACP, "Authentication"): told what they offer, done as they start, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from runtime.api.errors import ErrorCode
from runtime.sessions.agent.errors import MAX_WAY, MAX_WAYS
from runtime.sessions.operations.launch import LOGIN_TIMEOUT
from runtime.sessions.options.options import AUTH_SEALED
from tests.sessions.fakes import (
    Exit,
    FakeAgent,
    FakeVm,
    RpcFailError,
    failing,
    initialize,
    never,
    new,
    new_session,
    resume_options,
)

if TYPE_CHECKING:
    from trio.testing import MockClock

KEY = {"id": "key", "name": "API key", "type": "env_var", "vars": [{"name": "THE_KEY"}]}
LOGIN = {"id": "login", "name": "Log in", "description": "in a browser"}


@pytest.fixture
def guarded(vm: FakeVm) -> FakeVm:
    """A VM whose agents do nothing until they are authenticated by "login"."""
    methods: list[Any] = [LOGIN, KEY, {"name": "no id"}, "nothing"]

    async def offer(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {**await initialize(agent, params), "authMethods": methods}

    async def authenticate(agent: FakeAgent, params: dict[str, Any]) -> Any:
        if params != {"methodId": "login"}:
            raise RpcFailError(-32603, "there is no key")
        agent.results["authenticated"] = {}

    vm.behaviour |= {"initialize": offer, "authenticate": authenticate}
    for method in ("session/new", "session/prompt", "session/load"):
        vm.behaviour[method] = _behind(vm.behaviour.get(method, vm.behaviour["session/new"]))
    return vm


def _behind(handler: Any) -> Any:
    async def guarded(agent: FakeAgent, params: dict[str, Any]) -> Any:
        if "authenticated" not in agent.results:
            raise RpcFailError(-32000, "Authentication required")
        return await handler(agent, params)

    return guarded


def asked(vm: FakeVm) -> list[Any]:
    """What each agent was asked to authenticate itself by."""
    return [[params for method, params in agent.received if method == "authenticate"] for agent in vm.started]


async def test_what_the_agent_offers_is_told_and_leaves_no_session(guarded: FakeVm) -> None:
    with failing(ErrorCode.AUTHENTICATION_REQUIRED) as error:
        await new(guarded)
    assert error["authMethods"] == [LOGIN, KEY]
    assert error["agentError"] == {"code": -32000, "message": "Authentication required"}
    assert error["agentInfo"] == {"name": "fake", "version": "1"}
    assert error["message"].endswith("login (Log in); key (API key) with THE_KEY in secrets")
    assert guarded.sessions.live() == []
    assert not guarded.running


async def test_it_is_authenticated_at_each_start(guarded: FakeVm) -> None:
    id_ = await new(guarded, sessionId="s", authMethod="login", env={"A": "b"})
    await guarded.sessions.close(id_)
    await guarded.sessions.resume(id_)
    assert (await guarded.sessions.prompt(id_, "hello"))["text"] == "hello"
    assert asked(guarded) == [[{"methodId": "login"}]] * 2


@pytest.mark.parametrize(("way", "said"), [("key", "by key: there is no key;"), ("other", "no way other")])
async def test_a_way_that_does_not_work_starts_nothing(guarded: FakeVm, way: str, said: str) -> None:
    with failing(ErrorCode.AUTHENTICATION_REQUIRED) as error:
        await new(guarded, authMethod=way)
    assert said in error["message"]
    assert not guarded.running


async def test_a_refused_turn_says_how_and_goes_on_after_it(guarded: FakeVm) -> None:
    guarded.behaviour["session/new"], behind = new_session, guarded.behaviour["session/new"]
    id_ = await new(guarded)
    with failing(ErrorCode.AUTHENTICATION_REQUIRED) as error:
        await guarded.sessions.prompt(id_, "hello")
    assert error["authMethods"] == [LOGIN, KEY]
    assert (await guarded.log(id_))[-2:] == ["_torpor/authentication_required", "_torpor/turn_ended"]
    assert error["seq"] == len(await guarded.log(id_)) - 1
    with failing(ErrorCode.AUTHENTICATION_REQUIRED):
        await guarded.sessions.authenticate(id_, "key")
    await guarded.sessions.authenticate(id_, "login")
    assert (await guarded.events(id_))[-1]["params"]["methodId"] == "login"
    assert (await guarded.sessions.prompt(id_, "hello"))["text"] == "hello"
    guarded.behaviour["session/new"] = behind
    await guarded.sessions.close(id_)
    await guarded.sessions.resume(id_)
    assert asked(guarded) == [[{"methodId": "key"}, {"methodId": "login"}], [{"methodId": "login"}]]


async def test_a_session_that_cannot_be_brought_back_is_authenticated_as_it_comes(guarded: FakeVm) -> None:
    guarded.behaviour["session/new"] = new_session
    guarded.capabilities = {"loadSession": True}
    first, second = await new(guarded, env={"A": "b"}), await new(guarded)
    for id_ in (first, second):
        await guarded.sessions.close(id_)
        with failing(ErrorCode.AUTHENTICATION_REQUIRED):
            await guarded.sessions.resume(id_)
    await guarded.sessions.resume(first, resume_options({"authMethod": "login"}))
    assert guarded.agent.process.env["A"] == "b"
    assert AUTH_SEALED not in guarded.agent.process.env
    assert guarded.sessions.statuses() == {first: "idle"}


async def test_a_session_without_an_agent_is_brought_back_for_it(guarded: FakeVm) -> None:
    guarded.behaviour["session/new"] = new_session
    id_ = await new(guarded)
    guarded.agent.process.finish(Exit(1))
    await trio.testing.wait_all_tasks_blocked()
    with failing(ErrorCode.AUTHENTICATION_REQUIRED):
        await guarded.sessions.authenticate(id_, "key")
    await guarded.sessions.authenticate(id_, "login")
    assert (await guarded.sessions.prompt(id_, "hello"))["text"] == "hello"


async def test_of_an_agent_that_offers_nothing_the_code_says_nothing(vm: FakeVm) -> None:
    async def refuse(agent: FakeAgent, params: dict[str, Any]) -> Any:
        raise RpcFailError(-32000, "out of luck")

    vm.behaviour["session/prompt"] = refuse
    id_ = await new(vm, authMethod="whatever")
    with failing(ErrorCode.AGENT_ERROR):
        await vm.sessions.prompt(id_, "hello")
    assert "_torpor/authentication_required" not in await vm.log(id_)


async def test_a_person_has_time_to_log_in_and_not_for_ever(guarded: FakeVm, autojump_clock: MockClock) -> None:
    guarded.behaviour["authenticate"] = never
    begun = trio.current_time()
    with failing(ErrorCode.AGENT_FAILED) as error:
        await new(guarded, authMethod="login")
    assert error["phase"] == "authenticate"
    assert trio.current_time() - begun >= LOGIN_TIMEOUT


async def test_a_cancelled_wait_is_told_to_the_agent(guarded: FakeVm, autojump_clock: MockClock) -> None:
    guarded.behaviour |= {"session/new": new_session, "authenticate": never}
    id_ = await new(guarded)
    with trio.move_on_after(1):
        await guarded.sessions.authenticate(id_, "login")
    await trio.testing.wait_all_tasks_blocked()
    assert guarded.agent.received[-1][0] == "$/cancel_request"


async def test_an_error_names_some_ways_shortly(guarded: FakeVm) -> None:
    async def offer(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {**await initialize(agent, params), "authMethods": [{"id": "x" * 1000}] * 100}

    guarded.behaviour["initialize"] = offer
    with failing(ErrorCode.AUTHENTICATION_REQUIRED) as error:
        await new(guarded)
    assert len(error["authMethods"]) == 100
    assert error["message"].count("x" * MAX_WAY) == MAX_WAYS
