"""The SDK for agents in JavaScript, run by this machine's Node: the client's side is the test."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.agents.sdk_client import Client
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
SDK = ROOT / "agents" / "sdk" / "javascript" / "torpor-agent"
HEAD = 'import { Agent, Choice, ClientError, Toggle, run } from "torpor-agent";\n'


@pytest.fixture(scope="module")
def node() -> Path:
    """Node.js as the build finds it."""
    sys.path.insert(0, str(ROOT / "build"))
    try:
        found: Any = importlib.import_module("toolchain").find_node()
    finally:
        sys.path.pop(0)
    return Path(found.node)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where programs find the SDK."""
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "torpor-agent").symlink_to(SDK)
    return tmp_path


@pytest.fixture
def agent(node: Path, home: Path) -> Iterator[Callable[[str], Client]]:
    """Starts an agent: what is in the class, and what is outside."""
    started: list[Client] = []

    def start(program: str) -> Client:
        path = home / "agent.mjs"
        path.write_text(HEAD + textwrap.dedent(program))
        started.append(Client(home, [node, path], {}))
        return started[-1]

    yield start
    for each in started:
        each.__exit__()


def test_it_says_what_it_is_and_can(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe extends Agent {
          title = "The Scribe";
          version = "3";
          modes = { plan: "Plan", do: "Do" };
          options = [new Choice("tone", "Tone", { plain: "Plain", warm: "Warm" }, "model"), new Toggle("loud", "Loud", true)];
          commands = { go: "Goes" };
          async prompt(session) {
            session.say(`${session.mode} ${JSON.stringify(session.settings)} ${session.cwd}`);
          }
          async changed(session) {
            session.think("so be it");
          }
        }
        run(new Scribe());
    """)
    result = client.call("initialize", protocolVersion=1, clientCapabilities={})["result"]
    assert result["agentInfo"] == {"name": "Scribe", "title": "The Scribe", "version": "3"}
    unknown = client.call("session/prompt", sessionId="x", prompt=[])["error"]
    assert unknown == {"code": -32002, "message": 'session "x" not found'}
    opened = client.begin()
    assert opened["modes"] == {
        "currentModeId": "plan",
        "availableModes": [{"id": "plan", "name": "Plan"}, {"id": "do", "name": "Do"}],
    }
    tone, loud = opened["configOptions"]
    assert (tone["currentValue"], tone["category"]) == ("plain", "model")
    assert (loud["type"], loud["currentValue"]) == ("boolean", True)
    told = client.receive()["params"]["update"]
    assert told == {
        "sessionUpdate": "available_commands_update",
        "availableCommands": [{"name": "go", "description": "Goes"}],
    }
    client.send(client.ask("session/set_mode", sessionId=client.session, modeId="do"))
    assert [client.receive().keys() for _ in range(2)] == [{"jsonrpc", "method", "params"}, {"jsonrpc", "id", "result"}]
    wrong = client.call("session/set_mode", sessionId=client.session, modeId="x")["error"]
    assert wrong == {"code": -32602, "message": 'there is no mode "x": plan, do'}
    for name, value, why in (("tone", "cold", "plain, warm"), ("loud", 1, "true or false"), ("x", 1, 'no option "x"')):
        error = client.call("session/set_config_option", sessionId=client.session, configId=name, value=value)["error"]
        assert why in error["message"]
    client.send(client.ask("session/set_config_option", sessionId=client.session, configId="tone", value="warm"))
    assert client.receive()["params"]["update"]["content"]["text"] == "so be it"
    assert client.receive()["result"]["configOptions"][0]["currentValue"] == "warm"
    assert client.said("hello") == 'do {"tone":"warm","loud":true} /work'
    assert client.call("session/fly", sessionId=client.session)["error"]["code"] == -32601


def test_a_client_that_knows_no_toggles_is_not_told_of_them(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe extends Agent {
          options = [new Toggle("loud", "Loud")];
        }
        run(new Scribe());
    """)
    client.call("initialize", protocolVersion=1, clientCapabilities={})
    assert client.call("session/new", cwd="/", mcpServers=[])["result"]["configOptions"] == []


def test_what_is_printed_is_no_message(agent: Callable[[str], Client]) -> None:
    client = agent("""
        console.log("before");
        class Scribe extends Agent {
          async prompt(session, blocks) {
            console.log("printed", { a: 1 });
            process.stdout.write("raw");
            session.say(blocks.text + "ä");
          }
        }
        run(new Scribe());
    """)
    client.begin()
    assert client.said("x") == "xä"
    assert client.end() == "before\nprinted { a: 1 }\nraw"


def test_what_is_thrown_is_the_answer_and_told(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe extends Agent {
          async prompt(session, { text }) {
            if (text === "lost") Promise.reject(new RangeError("nobody awaits me"));
            else throw new TypeError("no such thing");
          }
        }
        run(new Scribe());
    """)
    client.begin()
    assert client.turn("x")[1]["error"] == {"code": -32603, "message": "TypeError: no such thing"}
    assert client.turn("lost")[1]["result"] == {"stopReason": "end_turn"}
    told = client.end()
    assert "agent.mjs:" in told, "a stack"
    assert "TypeError: no such thing" in told
    assert "nobody waits for it: RangeError: nobody awaits me" in told


def test_what_a_prompt_returns_that_is_no_json_is_told(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe extends Agent {
          async prompt() {
            return 1n;
          }
        }
        run(new Scribe());
    """)
    client.begin()
    assert "BigInt" in client.turn("x")[1]["error"]["message"]


def test_a_session_that_cannot_start_says_why(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe extends Agent {
          async start() {
            throw new Error("there is no key");
          }
        }
        run(new Scribe());
    """)
    client.call("initialize", protocolVersion=1, clientCapabilities={})
    assert client.call("session/new", cwd="/", mcpServers=[])["error"]["message"] == "Error: there is no key"


@pytest.mark.parametrize("text", ["hang", "swallow", "fail"])
def test_a_turn_is_cancelled(agent: Callable[[str], Client], text: str) -> None:
    client = agent("""
        class Scribe extends Agent {
          async prompt(session, { text }) {
            session.say("begun");
            try {
              await session.wait(new Promise(() => {}));
            } catch (error) {
              if (error !== session.signal.reason || text === "hang") throw error;
              if (text === "fail") throw new Error("while it was cancelled");
            }
          }
        }
        run(new Scribe());
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
    told = client.end()
    assert ("while it was cancelled" in told) == (text == "fail")
    assert "AbortError" not in told


def test_a_turn_that_runs_when_the_client_goes_is_cancelled(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe extends Agent {
          async prompt(session) {
            session.say("begun");
            await session.run("sleep 100").catch((error) => console.log(error.name));
          }
          async end(session) {
            console.log("ended", session.id.length);
          }
        }
        setInterval(() => {}, 1000);
        run(new Scribe());
    """)
    client.begin()
    client.send(client.prompt("x"))
    assert client.receive()["params"]["update"]["content"]["text"] == "begun"
    assert client.end() == "AbortError\nended 32\n"


def test_what_is_asked_of_the_client(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe extends Agent {
          async prompt(session) {
            const list = async (call) => {
              const answer = await session.ask(call, { yes: "Yes", reject_once: "No" });
              const ran = await session.run("ls | wc", { cwd: "sub", env: { A: "b" }, call });
              await session.write("a.txt", await session.read("/b.txt", 2, 3));
              return `${answer} ${ran.exitCode} ${ran.signal} ${ran.output} ${ran.truncated}`;
            };
            session.say(await session.toolCall("List", "execute", list, { rawInput: { a: 1 } }));
            try {
              await session.toolCall("Fail", "other", () => session.run(["nope", "-x"]));
            } catch (error) {
              session.say(`${error instanceof ClientError} ${error.code} ${error.message}`);
            }
          }
        }
        run(new Scribe());
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
    assert updates[3]["content"]["text"] == "yes 3 null text false"
    assert "no command nope" in updates[5]["content"][0]["content"]["text"]
    assert updates[7]["content"]["text"] == "true -32002 terminal/create: no command nope"


RUNS = """
    class Scribe extends Agent {
      async prompt(session) {
        await session.run("sleep 100");
      }
    }
    run(new Scribe());
"""


def test_a_cancelled_turn_takes_its_requests_back(agent: Callable[[str], Client]) -> None:
    client = agent(RUNS)
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
    client = agent(RUNS)
    client.begin()
    request = client.prompt("go")
    client.send(request)
    create = client.receive()
    begun = {"id": create["id"], "result": {"terminalId": "t"}}
    cancel = {"method": "session/cancel", "params": {"sessionId": client.session}}
    client.send(*((cancel, begun) if order == "cancelled first" else (begun, cancel)))
    said = [client.receive() for _ in range(3 if order == "cancelled first" else 2)]
    assert [each["params"]["terminalId"] for each in said if each.get("method") == "terminal/release"] == ["t"]
    assert {"jsonrpc": "2.0", "id": request["id"], "result": {"stopReason": "cancelled"}} in said


def test_plans_titles_and_other_updates(agent: Callable[[str], Client]) -> None:
    client = agent("""
        class Scribe extends Agent {
          async prompt(session) {
            session.plan(["a", "b"]);
            session.plan({ a: "completed", b: "in_progress" });
            session.title("T");
            session.update("usage_update", { used: 1, size: 2 });
            await session.toolCall("Edit", "edit", (call) => {
              call.diff("/x", null, "new");
              call.show("done");
              call.update({ title: "Edited" });
            });
            return "max_tokens";
          }
        }
        run(new Scribe());
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
    class Scribe extends Agent {
      async start(session) {
        this.began = session.resumed;
      }
      async prompt(session, { text }) {
        if (text === "forget") return;
        (session.state.told ??= []).push(text);
        session.say(`${this.began} ${session.state.told}`);
      }
    }
    run(new Scribe());
"""


def test_what_a_session_keeps_is_there_when_it_is_resumed(agent: Callable[[str], Client]) -> None:
    client = agent(REMEMBERS)
    client.begin()
    first = client.session
    assert client.said("one") == "false one"
    client.end()
    client = agent(REMEMBERS)
    client.call("initialize", protocolVersion=1, clientCapabilities={})
    assert "error" not in client.call("session/resume", sessionId=first, cwd="/", mcpServers=[])
    client.session = first
    assert client.said("two") == "true one,two"


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
        class Scribe extends Agent {
          async prompt(session) {
            session.say("here");
          }
        }
        run(new Scribe());
    """)
    client.begin()
    client.write(b"no json\n\n[1]\n")
    client.send({"id": "unknown", "result": 1}, {"method": "session/odd", "params": {}})
    assert "TypeError" in client.call("session/prompt", sessionId=client.session)["error"]["message"]
    assert client.said("x") == "here"
    assert "a line that is no JSON" in client.end()


def test_types_hold_what_agents_are_written_with(node: Path, home: Path) -> None:
    program = """
        import { Agent, Blocks, Choice, Session, Toggle, lines, run } from "torpor-agent";
        class Scribe extends Agent {
          override modes = { ask: "Ask" };
          override options = [new Choice("a", "A", { x: "X" }, "model"), new Toggle("b", "B")];
          override async prompt(session: Session<{ turn?: number }>, blocks: Blocks) {
            session.state.turn = (session.state.turn ?? 0) + 1;
            const ran = await session.toolCall("Run", "execute", (call) => session.run(["ls"], { call }));
            const code: number | null = ran.exitCode;
            if ((await session.ask("Write?")) === "allow_once") await session.write("a", `${code} ${blocks.text}`);
            const response = await session.fetch("http://example.com", { method: "POST" });
            for await (const line of lines(response)) session.say(line);
            return session.signal.aborted ? "cancelled" as const : undefined;
          }
        }
        run(new Scribe());
    """
    wrong = """
        // @ts-expect-error
        new Session().plan(1);
    """
    (home / "agent.mts").write_text(textwrap.dedent(program + wrong))
    compiler = ROOT / "agents" / "node_modules" / "typescript" / "bin" / "tsc"
    options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--types", ""]
    command = [node, compiler, *options, "--lib", "es2022,dom,dom.asynciterable", home / "agent.mts"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
    assert (done.returncode, done.stdout) == (0, "")
