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
    from collections.abc import Callable

    from runtime.testing.harness import SessionFactory
    from runtime.testing.model import TestModel
    from runtime.testing.session import TestSession
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


def test_many_files_large_ones_and_none(torpor_vm: TestVm) -> None:
    torpor_vm.mark()
    assert torpor_vm.tree("/nowhere") == []
    large = b"x" * (3 * 1024 * 1024)
    names = [f"d{number % 7}/f{number}" for number in range(300)]
    torpor_vm.put({**dict.fromkeys(names, "one\n"), **{f"large{number}": large[number:] for number in range(4)}})
    torpor_vm.expect_changes(dict.fromkeys(sorted([*names, "large0", "large1", "large2", "large3"]), "added"))
    torpor_vm.mark()
    torpor_vm.write("d0/f0", b"\xff")
    torpor_vm.write("large0", large[4:])
    torpor_vm.call("deleteFile", path="/home/user/d1/f1")
    torpor_vm.expect_changes({"d0/f0": "changed", "d1/f1": "removed", "large0": "changed"})
    assert "-one\n+\\xff\n" in torpor_vm.diff()
    assert "+(3,145,724 bytes, written at " in torpor_vm.diff()
    with pytest.raises(RpcError, match="d0/f0/x") as caught:
        torpor_vm.put({"d0/f0/x": ""})
    assert caught.value.name == "not_a_directory"


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


FAILURES: list[tuple[str, Callable[[TestSession, TestModel], None]]] = [
    ("a.txt is not as expected:\n--- expected\n", lambda session, _: session.vm.expect_file("a.txt", "ho")),
    ("a.txt does not contain 'ho':\n  hi", lambda session, _: session.vm.expect_file("a.txt", contains="ho")),
    ("no file b.txt (not_found)\nfiles below /home/user:\n  a.txt", lambda s, _: s.vm.expect_file("b.txt")),
    ("a.txt exists", lambda session, _: session.vm.expect_no_file("a.txt")),
    ("missing ['b.txt'], unexpected ['a.txt']", lambda session, _: session.vm.expect_tree("b.txt")),
    ("changes since the start: expected {}, found {'a.txt': 'added'}\n--- a/a", lambda s, _: s.vm.expect_no_changes()),
    ("2 requests were made, 1 expected; the requests are:\n  0: /v1/messages (ans", lambda _, m: m.expect_requests(1)),
    ("2 requests were made, at most 1 expected", lambda _, model: model.expect_requests(at_most=1)),
    ("request 1 does not contain 'unicorn'", lambda _, model: model.expect_request(1, contains="unicorn")),
    ("stream of request 0 is True, expected False", lambda _, model: model.expect_request(0, stream=False)),
    ("there is no request 2", lambda _, model: model.expect_request(2)),
]


@pytest.fixture
def wrote(torpor_session: SessionFactory, scripted_model: TestModel) -> TestSession:
    scripted_model.script(call("write", path="a.txt", content="hi"), say("Done."))
    session = torpor_session("pi")
    session.prompt("Write hi to a.txt.")
    return session


def test_failures_about_files_and_requests_show_the_transcript(wrote: TestSession, scripted_model: TestModel) -> None:
    for message, check in FAILURES:
        with pytest.raises(AssertionError) as caught:
            check(wrote, scripted_model)
        said = str(caught.value)
        assert said.startswith(message)
        assert "\ntranscript:\n" in said
        assert "tool completed: Write /home/user/a.txt" in said
    assert "1: /v1/messages (answered) result: Successfully wrote 2 bytes to a.txt" in said


def test_what_a_function_for_permissions_raises_reaches_the_test(torpor_session: SessionFactory) -> None:
    def refuse(request: dict[str, Any]) -> str:
        raise LookupError(request["description"])

    session = torpor_session("echo", permissions=refuse)
    with pytest.raises(LookupError, match="Do it"):
        session.prompt("permission Do it")
    assert session.prompt("say on").text == "on"


def test_an_agent_that_hangs_does_not_hang_the_test(torpor_session: SessionFactory) -> None:
    session = torpor_session("echo")
    with pytest.raises(AssertionError, match="the turn was not over after"):
        session.prompt("say so; sleep 60000", timeout=0.2)
    assert session.prompt("say on").text == "on"


def test_a_failing_agent_raises(torpor_session: SessionFactory) -> None:
    session = torpor_session("echo")
    with pytest.raises(RpcError, match="no luck") as caught:
        session.prompt("say so far; fail no luck")
    assert session.turns_ended == 1
    assert session.fuel > 0
    (note,) = caught.value.__notes__
    assert note.startswith("transcript:\n")
    assert "so far" in note


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


@pytest.mark.torpor(limits={"memoryBytes": 16 * 1024 * 1024})
def test_a_memory_budget_counts_what_the_agent_has_taken(torpor_session: SessionFactory) -> None:
    session = torpor_session("echo")
    small = session.prompt("say small")
    turn = session.prompt("hog")
    turn.expect_text(matches=r"^hog: out of memory after \d+ MiB$")
    assert small.memory is not None
    assert turn.memory is not None
    assert small.memory + 4 * 1024 * 1024 < turn.memory <= 16 * 1024 * 1024
    small.expect_budget(memory=small.memory)
    turn.expect_budget(memory=16 * 1024 * 1024)
    with pytest.raises(AssertionError, match=f"the agent took {turn.memory:,} bytes of memory, at most"):
        turn.expect_budget(memory=turn.memory - 1)
    # What it has had it keeps, whatever the next turn does.
    assert session.prompt("say small").memory == turn.memory


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
