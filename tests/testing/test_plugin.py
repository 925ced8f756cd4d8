"""The fixtures, used as a test of an agent uses them, from plain tests and from loops of trio and asyncio."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.client.errors import RpcError
from runtime.testing.expect import tool
from runtime.testing.script import call, say

if TYPE_CHECKING:
    from runtime.testing.harness import SessionFactory
    from runtime.testing.model import TestModel
    from runtime.testing.vm import TestVm

AGENTS = Path(__file__).resolve().parents[2] / "agents"


def test_a_turn_and_its_files(torpor_session: SessionFactory) -> None:
    session = torpor_session("echo", files={"a.txt": "hi\n"})
    turn = session.prompt("say hello")
    turn.expect_text("hello")
    turn.expect_text(contains="ell", matches="^h")
    turn.expect_stop()
    turn.expect_budget(fuel=10**9, tool_calls=0)
    assert turn.fuel > 0
    session.vm.expect_no_changes()
    session.prompt("fswrite b.txt yes; fswrite a.txt no")
    session.vm.expect_changes({"a.txt": "changed", "b.txt": "added"})
    session.vm.expect_tree("a.txt", "*.txt")
    session.vm.expect_file("b.txt", "yes")
    session.vm.expect_no_file("c.txt")
    session.expect_turns(at_most=2)


def test_pi_and_the_model(torpor_session: SessionFactory, scripted_model: TestModel) -> None:
    scripted_model.script(call("write", path="a.txt", content="hi"), say("Done."))
    session = torpor_session("pi")
    turn = session.prompt("Write hi to a.txt.")
    turn.expect_text("Done.")
    turn.expect_tool_calls(tool("write", path="a.txt", content="hi"))
    turn.expect_tool_call("edit", times=1)
    session.vm.expect_file("a.txt", "hi")
    scripted_model.expect_script_used()
    scripted_model.expect_request(0, contains="Write hi", stream=True)


def test_permissions_are_answered(torpor_session: SessionFactory) -> None:
    session = torpor_session("echo", permissions="once")
    session.prompt("permission Do it").expect_permissions(("Do *", "allow-once"))
    session.permissions = lambda request: "reject" if "rm" in request["description"] else "always"
    session.prompt("permission rm; permission ls").expect_permissions(("rm", "reject-once"), ("ls", "allow-always"))
    session.permissions = None
    with pytest.raises(AssertionError, match="asked permission for 'Write it', and the test gives no answer"):
        session.prompt("permission Write it")
    assert session.prompt("say on").text == "on"


def test_an_agent_that_hangs_does_not_hang_the_test(torpor_session: SessionFactory) -> None:
    session = torpor_session("echo")
    with pytest.raises(AssertionError, match="the turn was not over after"):
        session.prompt("say so; sleep 60000", timeout=0.2)
    assert session.prompt("say on").text == "on"


def test_a_failing_agent_raises(torpor_session: SessionFactory) -> None:
    with pytest.raises(RpcError, match="no luck"):
        torpor_session("echo").prompt("fail no luck")


@pytest.mark.parametrize("path", ["dist/echo.wasm", "echo", "echo/agent.toml"])
def test_agents_by_path(torpor_session: SessionFactory, path: str) -> None:
    assert torpor_session(AGENTS / path).prompt("say hi").text == "hi"


def test_sleep_and_resume(torpor_vm: TestVm, torpor_session: SessionFactory) -> None:
    session = torpor_session("echo", env={"ECHO_LOAD": "1"})
    session.prompt("say one")
    torpor_vm.sleep()
    assert session.prompt("say two").text == "two"


@pytest.mark.torpor(limits={"memoryBytes": 64 * 1024 * 1024})
def test_the_marker_gives_the_vm_its_options(torpor_vm: TestVm) -> None:
    assert torpor_vm.call("vm.get")["options"] == {"limits": {"memoryBytes": 64 * 1024 * 1024}}


async def test_async_face_under_trio(torpor_session: SessionFactory) -> None:
    await _talk(torpor_session)
    with trio.move_on_after(0.05) as scope:
        session = await torpor_session.aio("echo")
        await session.aio.prompt("sleep 60000")
    assert scope.cancelled_caught


def test_async_face_under_asyncio(torpor_session: SessionFactory) -> None:
    asyncio.run(_talk(torpor_session))


async def _talk(torpor_session: Any) -> None:
    session = await torpor_session.aio("echo")
    turn = await session.aio.prompt("fswrite a.txt yes; say hello")
    turn.expect_text(contains="hello")
    assert await session.vm.aio.read("a.txt") == "yes"
    assert len(await session.aio.events()) > 3
