"""The SDK for agents in Python, run by this Python: the client's side is the test."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.agents.sdk_client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SDK = Path(__file__).parents[2] / "agents" / "sdk" / "python"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Callable[[str], Client]]:
    """Starts an agent: what is in the class, and what is outside."""
    started: list[Client] = []

    def start(program: str) -> Client:
        path = tmp_path / "agent.py"
        path.write_text("from torpor_agent import *\nimport asyncio, os, subprocess, sys\n" + textwrap.dedent(program))
        started.append(Client(tmp_path, [sys.executable, path], {"PYTHONPATH": str(SDK)}))
        return started[-1]

    yield start
    for each in started:
        each.__exit__()


def test_it_says_what_it_is_and_can(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe(Agent):
            title, version = "The Scribe", "3"
            modes = {"plan": "Plan", "do": "Do"}
            options = [Choice("tone", "Tone", {"plain": "Plain", "warm": "Warm"}, "model"), Toggle("loud", "Loud", True)]
            commands = {"go": "Goes"}

            async def prompt(self, session, blocks):
                session.say(f"{session.mode} {session.settings} {session.cwd}")

            async def changed(self, session):
                session.think("so be it")

        run(Scribe())
    """)
    result = client.call("initialize", protocolVersion=1, clientCapabilities={})["result"]
    assert result["agentInfo"] == {"name": "Scribe", "title": "The Scribe", "version": "3"}
    unknown = client.call("session/prompt", sessionId="x", prompt=[])["error"]
    assert unknown == {"code": -32002, "message": "session 'x' not found"}
    opened = client.begin()
    assert opened["modes"] == {
        "currentModeId": "plan",
        "availableModes": [{"id": "plan", "name": "Plan"}, {"id": "do", "name": "Do"}],
    }
    tone, loud = opened["configOptions"]
    assert (tone["currentValue"], tone["category"], loud["type"], loud["currentValue"]) == (
        "plain",
        "model",
        "boolean",
        True,
    )
    told = client.receive()["params"]["update"]
    assert told == {
        "sessionUpdate": "available_commands_update",
        "availableCommands": [{"name": "go", "description": "Goes"}],
    }
    client.send(client.ask("session/set_mode", sessionId=client.session, modeId="do"))
    assert [client.receive().keys() for _ in range(2)] == [{"jsonrpc", "method", "params"}, {"jsonrpc", "id", "result"}]
    wrong = client.call("session/set_mode", sessionId=client.session, modeId="x")["error"]
    assert wrong == {"code": -32602, "message": "there is no mode 'x': plan, do"}
    for name, value, why in (("tone", "cold", "plain, warm"), ("loud", 1, "true or false"), ("x", 1, "no option 'x'")):
        error = client.call("session/set_config_option", sessionId=client.session, configId=name, value=value)["error"]
        assert why in error["message"]
    client.send(client.ask("session/set_config_option", sessionId=client.session, configId="tone", value="warm"))
    assert client.receive()["params"]["update"]["content"]["text"] == "so be it"
    assert client.receive()["result"]["configOptions"][0]["currentValue"] == "warm"
    assert client.said("hello") == "do {'tone': 'warm', 'loud': True} /work"
    assert client.call("session/fly", sessionId=client.session)["error"]["code"] == -32601


def test_a_client_that_knows_no_toggles_is_not_told_of_them(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe(Agent):
            options = [Toggle("loud", "Loud")]
        run(Scribe())
    """)
    client.call("initialize", protocolVersion=1, clientCapabilities={})
    assert client.call("session/new", cwd="/", mcpServers=[])["result"]["configOptions"] == []


def test_what_is_printed_is_no_message(agent: Callable[[str], Client]) -> None:
    client = agent("""
        print("before")
        class Scribe(Agent):
            async def prompt(self, session, blocks):
                print("printed")
                subprocess.run(["echo", "from a program"])
                sys.stdout.buffer.write(b"raw")
                sys.stdout.flush()
                session.say(blocks.text + "ä\\ud800")
        run(Scribe())
    """)
    client.begin()
    assert client.said("x") == "xä?"
    assert client.end() == "before\nprinted\nfrom a program\nraw"


def test_an_exception_is_the_answer_and_told(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe(Agent):
            async def prompt(self, session, blocks):
                if blocks.text == "lost":
                    lost = asyncio.create_task(self.lose())
                    await asyncio.sleep(0)
                else:
                    raise ValueError("no such thing")
            async def lose(self):
                raise KeyError("nobody awaits me")
        run(Scribe())
    """)
    client.begin()
    assert client.turn("x")[1]["error"] == {"code": -32603, "message": "ValueError: no such thing"}
    assert client.turn("lost")[1]["result"] == {"stopReason": "end_turn"}
    told = client.end()
    assert "Traceback" in told
    assert "ValueError: no such thing" in told
    assert "KeyError: 'nobody awaits me'" in told


def test_a_prompt_that_is_no_coroutine_is_told(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe(Agent):
            def prompt(self, session, blocks):
                pass
        run(Scribe())
    """)
    client.begin()
    assert client.turn("x")[1]["error"]["message"] == "TypeError: `prompt` must be `async def`"


def test_what_a_prompt_returns_that_is_no_stop_reason_is_told(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe(Agent):
            async def prompt(self, session, blocks):
                return {1}
        run(Scribe())
    """)
    client.begin()
    assert "set is not JSON serializable" in client.turn("x")[1]["error"]["message"]


def test_a_session_that_cannot_start_says_why(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe(Agent):
            async def start(self, session):
                os.environ["NO_SUCH_KEY"]
        run(Scribe())
    """)
    client.call("initialize", protocolVersion=1, clientCapabilities={})
    assert client.call("session/new", cwd="/", mcpServers=[])["error"]["message"] == "KeyError: 'NO_SUCH_KEY'"


@pytest.mark.parametrize("text", ["hang", "swallow", "fail"])
def test_a_turn_is_cancelled(agent: Callable[[str], Client], text: str) -> None:
    client = agent("""
        class Scribe(Agent):
            async def prompt(self, session, blocks):
                session.say("begun")
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    if blocks.text == "hang":
                        raise
                    if blocks.text == "fail":
                        raise ValueError("while it was cancelled")
        run(Scribe())
    """)
    client.begin()
    request, cancel = client.prompt(text), {"method": "session/cancel", "params": {"sessionId": client.session}}
    client.send(request)
    assert client.receive()["params"]["update"]["content"]["text"] == "begun"
    client.send(cancel)
    assert client.receive() == {"jsonrpc": "2.0", "id": request["id"], "result": {"stopReason": "cancelled"}}
    request = client.prompt("at once")
    client.send(request, cancel)
    assert client.receive() == {"jsonrpc": "2.0", "id": request["id"], "result": {"stopReason": "cancelled"}}
    assert ("while it was cancelled" in client.end()) == (text == "fail")


def test_what_is_asked_of_the_client(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe(Agent):
            async def prompt(self, session, blocks):
                with session.tool_call("List", "execute", rawInput={"a": 1}) as call:
                    answer = await session.ask(call, {"yes": "Yes", "reject_once": "No"})
                    ran = await session.run("ls | wc", cwd="sub", env={"A": "b"}, call=call)
                    await session.write("a.txt", await session.read("/b.txt", 2, 3))
                session.say(f"{answer} {ran.exit_code} {ran.output}")
                try:
                    with session.tool_call("Fail"):
                        await session.run("nope", "-x")
                except ClientError as error:
                    session.say(f"{error.code} {error}")
        run(Scribe())
    """)
    client.begin()
    request = client.prompt("go")
    client.send(request)
    updates, asked, message = client.served(request)
    assert message["result"] == {"stopReason": "end_turn"}
    (_, question), create, *waited, read, write, nope = asked
    call = updates[0]["toolCallId"]
    assert question["toolCall"] == {"toolCallId": call, "title": "List", "kind": "execute", "rawInput": {"a": 1}}
    assert question["options"] == [
        {"optionId": "yes", "name": "Yes", "kind": "allow_once"},
        {"optionId": "reject_once", "name": "No", "kind": "reject_once"},
    ]
    words = {"command": "/bin/sh", "args": ["-c", "ls | wc"], "cwd": "/work/sub"}
    assert create == ("terminal/create", {**words, "env": [{"name": "A", "value": "b"}], "outputByteLimit": 256 * 1024})
    assert [name for name, _ in waited] == ["terminal/wait_for_exit", "terminal/output", "terminal/release"]
    assert read == ("fs/read_text_file", {"path": "/b.txt", "line": 2, "limit": 3})
    assert write == ("fs/write_text_file", {"path": "/work/a.txt", "content": "of b"})
    assert (nope[1]["command"], nope[1]["args"]) == ("nope", ["-x"])
    kinds = [(each["sessionUpdate"], each.get("status")) for each in updates]
    assert kinds == [
        ("tool_call", "in_progress"),
        ("tool_call_update", None),
        ("tool_call_update", "completed"),
        ("agent_message_chunk", None),
        ("tool_call", "in_progress"),
        ("tool_call_update", None),
        ("tool_call_update", "failed"),
        ("agent_message_chunk", None),
    ]
    assert updates[1]["content"] == [{"type": "terminal", "terminalId": "t"}]
    assert updates[3]["content"]["text"] == "yes 3 text"
    assert "no command nope" in updates[5]["content"][0]["content"]["text"]
    assert updates[7]["content"]["text"] == "-32002 terminal/create: no command nope"


def test_a_cancelled_turn_takes_its_requests_back(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe(Agent):
            async def prompt(self, session, blocks):
                await session.run("sleep 100")
        run(Scribe())
    """)
    client.begin()
    client.send(client.prompt("go"))
    client.send({"id": client.receive()["id"], "result": {"terminalId": "t"}})
    waiting = client.receive()
    assert waiting["method"] == "terminal/wait_for_exit"
    client.send({"method": "session/cancel", "params": {"sessionId": client.session}})
    back, release, answer = client.receive(), client.receive(), client.receive()
    assert (back["method"], back["params"]["requestId"]) == ("$/cancel_request", waiting["id"])
    assert (release["method"], answer["result"]) == ("terminal/release", {"stopReason": "cancelled"})


@pytest.mark.parametrize("order", ["cancelled first", "answered first"])
def test_a_command_that_has_begun_meanwhile_is_ended_with_its_turn(agent: Callable[[str], Client], order: str) -> None:
    client = agent("""
        class Scribe(Agent):
            async def prompt(self, session, blocks):
                await session.run("sleep 100")
        run(Scribe())
    """)
    client.begin()
    request = client.prompt("go")
    client.send(request)
    create = client.receive()
    begun = {"id": create["id"], "result": {"terminalId": "t"}}
    cancel = {"method": "session/cancel", "params": {"sessionId": client.session}}
    client.send(*((cancel, begun) if order == "cancelled first" else (begun, cancel)))
    said = [client.receive(), client.receive()]
    assert [each["params"]["terminalId"] for each in said if each.get("method") == "terminal/release"] == ["t"]
    assert {"jsonrpc": "2.0", "id": request["id"], "result": {"stopReason": "cancelled"}} in said


def test_plans_titles_and_other_updates(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe(Agent):
            async def prompt(self, session, blocks):
                session.plan(["a", "b"])
                session.plan({"a": "completed", "b": "in_progress"})
                session.title("T")
                session.update("usage_update", used=1, size=2)
                with session.tool_call("Edit", "edit") as call:
                    call.diff("/x", None, "new")
                    call.show("done")
                    call.update(title="Edited")
                return "max_tokens"
        run(Scribe())
    """)
    client.begin()
    updates, answer = client.turn("x")
    assert answer["result"] == {"stopReason": "max_tokens"}
    steps = [[(entry["content"], entry["status"]) for entry in each["entries"]] for each in updates[:2]]
    assert steps == [[("a", "pending"), ("b", "pending")], [("a", "completed"), ("b", "in_progress")]]
    assert updates[2:4] == [
        {"sessionUpdate": "session_info_update", "title": "T"},
        {"sessionUpdate": "usage_update", "used": 1, "size": 2},
    ]
    assert updates[5]["content"] == [{"type": "diff", "path": "/x", "oldText": None, "newText": "new"}]
    assert [each["type"] for each in updates[6]["content"]] == ["diff", "content"]
    assert updates[7]["title"] == "Edited"


REMEMBERS = """
    class Scribe(Agent):
        async def start(self, session):
            self.began = session.resumed
        async def prompt(self, session, blocks):
            if blocks.text == "forget":
                return
            session.state.setdefault("told", []).append(blocks.text)
            session.say(f"{self.began} {session.state['told']}")
    run(Scribe())
"""


def test_what_a_session_keeps_is_there_when_it_is_resumed(agent: Callable[[str], Client]) -> None:
    client = agent(REMEMBERS)
    client.begin()
    first = client.session
    assert client.said("one") == "False ['one']"
    client.end()
    client = agent(REMEMBERS)
    client.call("initialize", protocolVersion=1, clientCapabilities={})
    assert "error" not in client.call("session/resume", sessionId=first, cwd="/", mcpServers=[])
    client.session = first
    assert client.said("two") == "True ['one', 'two']"


def test_a_session_that_has_kept_nothing_is_not_there(agent: Callable[[str], Client]) -> None:
    """So that the client tells the agent where the transcript is."""
    client = agent(REMEMBERS)
    client.begin()
    client.turn("forget")
    client.end()
    again = agent(REMEMBERS)
    again.call("initialize", protocolVersion=1, clientCapabilities={})
    error = again.call("session/resume", sessionId=client.session, cwd="/", mcpServers=[])["error"]
    assert (error["code"], f"session {client.session} not found" in error["message"]) == (-32002, True)


def test_what_is_no_message_is_left_out(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe(Agent):
            async def prompt(self, session, blocks):
                session.say("here")
        run(Scribe())
    """)
    client.begin()
    client.write(b"no json\n\n[1]\n")
    client.send({"id": "unknown", "result": 1}, {"method": "session/odd", "params": {}})
    assert "KeyError: 'prompt'" in client.call("session/prompt", sessionId=client.session)["error"]["message"]
    assert client.said("x") == "here"
    assert "a line that is no JSON" in client.end()
