"""One table of ACP cases, for an agent on the official JavaScript SDK and for one written by hand in Python.

Every frame that the runtime writes is checked against the official schema on its way (`tap`), and at the end of each case
so is the whole transcript.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from runtime.api.errors import ApiError, ErrorCode
from tests.conformance import schema
from tests.conformance.conftest import ROOT, Talk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runtime.vms.host import Host
    from tests.conformance.conftest import Tap

AGENTS = ["sdk-js", "plain-py"]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="


@attrs.frozen
class Case:
    """A prompt and what becomes of it."""

    name: str
    commands: tuple[str, ...]
    text: str = ""
    stop: str = "end_turn"
    updates: tuple[str, ...] = ()
    """Kinds of updates that the transcript has in this order, beside the user's and the agent's messages."""
    served: tuple[str, ...] = ()
    """The agent's requests that the runtime has answered, in this order."""
    permission: dict[str, Any] = attrs.field(factory=dict)


TURNS = [
    Case("a message", ("say Hello",), "Hello"),
    Case("a message in pieces", ("say a", "say b", "say ü€😀"), "abü€😀"),
    Case("nothing said", ("stop end_turn",)),
    Case("a thought is no text", ("think hm", "say x"), "x", updates=("agent_thought_chunk",)),
    Case("a plan", ("plan",), updates=("plan",)),
    Case("a title", ("title News",), updates=("session_info_update",)),
    Case("a tool call", ("tool /a.txt",), updates=("tool_call", "tool_call_update")),
    Case("the token limit", ("say x", "stop max_tokens"), "x", "max_tokens"),
    Case("the request limit", ("stop max_turn_requests",), stop="max_turn_requests"),
    Case("a refusal", ("stop refusal",), stop="refusal"),
    Case("a file is read", ("read /home/user/a.txt",), "one\ntwo\n", served=("fs/read_text_file",)),
    Case("no such file", ("read /none",), "error -32002", served=("fs/read_text_file",)),
    Case("a relative path", ("read a.txt",), "error -32602", served=("fs/read_text_file",)),
    Case(
        "a file is written, then read",
        ("write /home/user/b/c.txt hey", "read /home/user/b/c.txt"),
        "writtenhey",
        served=("fs/write_text_file", "fs/read_text_file"),
    ),
    Case(
        "a terminal",
        ("terminal hello world",),
        "0: ",
        served=("terminal/create", "terminal/wait_for_exit", "terminal/output", "terminal/release"),
    ),
    Case("no such command", ("terminal none",), "error ", served=("terminal/create",)),
    Case("an unknown request", ("request session/nonsense", "say on"), "error -32601on", served=("session/nonsense",)),
    Case("an unknown extension", ("request _vendor/x",), "error -32601", served=("_vendor/x",)),
    Case(
        "a permission is given",
        ("permission Go",),
        "allow_once",
        served=("session/request_permission",),
        permission={"reply": "once"},
    ),
    Case(
        "a permission is given for good, and not asked for again",
        ("permission Go", "permission Go"),
        "allow_alwaysallow_always",
        served=("session/request_permission", "session/request_permission"),
        permission={"reply": "always"},
    ),
    Case(
        "a permission is refused",
        ("permission Go",),
        "reject_once",
        served=("session/request_permission",),
        permission={"option_id": "reject_once"},
    ),
    Case("the mode", ("mode", "model", "cwd"), "asksmall/home/user"),
]


@pytest.fixture(params=AGENTS)
def talk(request: pytest.FixtureRequest, host: Host, tap: Tap) -> Talk:
    return Talk(host, request.param, tap)


async def checked(talk: Talk) -> None:
    """The transcript is ACP, or extends it by its own names."""
    events = await talk.events()
    for event in events:
        schema.check_event(event)
        assert event["params"]["sessionId"] == talk.id


@pytest.mark.parametrize("case", TURNS, ids=lambda case: case.name.replace(" ", "-"))
async def test_turns(talk: Talk, case: Case) -> None:
    vm = await talk.vm()
    await vm.files.write_file("/home/user/a.txt", b"one\ntwo\n", create_parents=True)
    program = (ROOT / "tests" / "guests" / "dist" / "args_env.wasm").read_bytes()
    await vm.files.write_file("/bin/hello", program, create_parents=True)
    await talk.start()
    before = len(talk.tap.methods)
    async with trio.open_nursery() as nursery:
        if case.permission:
            nursery.start_soon(answer_permission, talk, case.permission)
        result = await talk.ask(*case.commands)
    assert result["stopReason"] == case.stop
    assert result["text"].startswith(case.text) if case.text.endswith(" ") else result["text"] == case.text
    told = [event["params"]["update"]["sessionUpdate"] for event in await talk.events() if "update" in event["params"]]
    assert [kind for kind in told if not kind.endswith("message_chunk")] == list(case.updates)
    wanted = ["session/prompt", *(f"{method} ->" for method in case.served)]
    assert talk.tap.methods[before:] == wanted
    await checked(talk)


async def test_devices_in_python(host: Host, tap: Tap) -> None:
    """Its `open` looks at what it has opened, seeks and tells; `sdk-js` has no files of its own."""
    talk = Talk(host, "plain-py", tap)
    await talk.start()
    said = await talk.ask(
        *(f"open {mode} /dev/null" for mode in ("w", "a", "r", "rb")),
        "open rb /dev/zero",
        "open w /dev/zero",
        "open w /dev/full",
        "open w /dev/stderr",
        "open w /dev/fd/2",
        "open r /dev/stdout",
        "open r /dev/tty",
        "open r /dev/fd/9",
    )
    assert said["text"].splitlines() == [
        "/dev/null: 4",
        "/dev/null: 4",
        "/dev/null: ''",
        "/dev/null: b''",
        "/dev/zero: b'\\x00\\x00\\x00\\x00\\x00'",
        "/dev/zero: 4",
        "/dev/full: I/O error",  # all that its libc makes of the failure of a stream
        "/dev/stderr: 4",
        "/dev/fd/2: 4",
        "/dev/stdout: Permission denied",
        "/dev/tty: No such device or address",
        "/dev/fd/9: No such file or directory",
    ]
    stderr = [event["params"]["text"] for event in await talk.events() if event["method"] == "_torpor/stderr"]
    assert "".join(stderr) == "texttext"


async def answer_permission(talk: Talk, permission: dict[str, Any]) -> None:
    """Answer the first request that comes."""
    asked = await talk.until("permissionRequest")
    await (await talk.sessions()).respond_permission(talk.id, asked["request"]["permissionId"], **permission)


async def handshake(talk: Talk) -> None:
    await talk.start()
    assert talk.tap.methods == ["initialize", "session/new"]
    assert talk.created["agentInfo"]["name"] == talk.agent
    assert talk.created["capabilities"]["promptCapabilities"] == {"image": True, "embeddedContext": True}
    assert talk.created["modes"]["currentModeId"] == "ask"
    assert [option["id"] for option in talk.created["configOptions"]] == ["model"]


async def content_of_all_kinds(talk: Talk) -> None:
    await talk.start()
    blocks = (
        {"type": "image", "data": PIXEL, "mimeType": "image/png"},
        {"type": "resource", "resource": {"uri": "file:///a", "text": "x", "mimeType": "text/plain"}},
        {"type": "resource_link", "name": "b", "uri": "file:///b"},
    )
    assert (await talk.ask("blocks", blocks=blocks))["text"] == "image resource resource_link text"


async def content_that_it_does_not_take(talk: Talk) -> None:
    await talk.start()
    with pytest.raises(ApiError) as caught:
        await talk.ask("say x", blocks=({"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},))
    assert caught.value.code is ErrorCode.UNSUPPORTED_BY_AGENT
    assert "session/prompt" not in talk.tap.methods


async def mcp_servers_in_acps_shape(talk: Talk) -> None:
    local = {"type": "local", "command": "/bin/hello", "args": ["-v"], "env": {"A": "1"}, "name": "here"}
    remote = {"type": "remote", "url": "https://example.com/mcp", "headers": {"X": "y"}, "name": "there"}
    await talk.start(mcpServers=[local, remote])
    said = await talk.say("mcp")
    assert '"url":"http://mcp.torpor.internal/here"' in said
    assert '"headers":[{"name":"X","value":"y"}]' in said
    assert '"type":"http"' in said


async def modes(talk: Talk) -> None:
    await talk.start()
    sessions = await talk.sessions()
    changed = await sessions.set_mode(talk.id, "code")
    assert changed["modes"]["currentModeId"] == "code"
    assert await talk.say("mode") == "code"
    with pytest.raises(ApiError) as caught:
        await sessions.set_mode(talk.id, "nonsense")
    assert caught.value.code in (ErrorCode.AGENT_ERROR, ErrorCode.INVALID_ARGUMENT)
    assert len(await talk.updates("current_mode_update")) == 1


async def config_options(talk: Talk) -> None:
    await talk.start()
    changed = await (await talk.sessions()).set_model(talk.id, "large")
    assert changed["configOptions"][0]["currentValue"] == "large"
    assert await talk.say("model") == "large"
    assert len(await talk.updates("config_option_update")) == 1


async def an_error_of_the_agent(talk: Talk) -> None:
    await talk.start()
    with pytest.raises(ApiError) as caught:
        await talk.ask("say x", "fail")
    assert caught.value.code is ErrorCode.AGENT_ERROR
    assert caught.value.data["agentError"]["data"] == {"reason": "told"}
    assert await talk.say("say on") == "on"


async def authentication(talk: Talk) -> None:
    await talk.start()
    with pytest.raises(ApiError) as caught:
        await talk.ask("locked", "say x")
    assert caught.value.code is ErrorCode.AUTHENTICATION_REQUIRED
    assert [method["id"] for method in caught.value.data["authMethods"]] == ["login"]
    await (await talk.sessions()).authenticate(talk.id, "login")
    assert await talk.say("locked", "say x") == "x"
    await talk.host.sleep("test", 0, False)
    assert await talk.say("locked", "say y") == "y"
    assert talk.tap.methods[-4:] == ["initialize", "authenticate", "session/new", "session/prompt"]


async def a_request_that_the_agent_does_not_know(talk: Talk) -> None:
    await talk.start()
    with pytest.raises(ApiError) as caught:
        await (await talk.sessions()).raw_send(talk.id, "_vendor/y", {})
    assert caught.value.data["agentError"]["code"] == -32601


async def cancel(talk: Talk) -> None:
    await talk.start()
    sessions = await talk.sessions()
    assert (await sessions.cancel(talk.id, 0))["outcome"] == "no_active_prompt"

    async def later() -> None:
        await talk.until("agent_message_chunk")
        assert (await sessions.cancel(talk.id, 30_000))["outcome"] == "cancelled"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        result = await talk.ask("say begun", "wait")
    assert (result["text"], result["stopReason"]) == ("begun", "cancelled")
    assert await talk.say("say again") == "again"


async def cancel_while_a_permission_waits(talk: Talk) -> None:
    await talk.start()
    sessions = await talk.sessions()

    async def later() -> None:
        await talk.until("permissionRequest")
        assert (await sessions.cancel(talk.id, 30_000))["outcome"] == "cancelled"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        result = await talk.ask("permission Go", "wait")
    assert (result["text"], result["stopReason"]) == ("cancelled", "cancelled")


async def sleep_and_continue(talk: Talk) -> None:
    await talk.start()
    await talk.say("say first")
    await talk.host.sleep("test", 0, False)
    before = len(talk.tap.methods)
    assert await talk.say("say second") == "second"
    assert talk.tap.methods[before:][:2] == ["initialize", "session/new"]
    assert talk.tap.methods[-1] == "session/prompt"


async def close(talk: Talk) -> None:
    await talk.start()
    sessions = await talk.sessions()
    await sessions.close(talk.id)
    assert "session/close" not in talk.tap.methods  # it was not advertised
    with pytest.raises(ApiError) as caught:
        await talk.say("say x")
    assert caught.value.code is ErrorCode.SESSION_CLOSED


SCENARIOS: list[Callable[[Talk], Awaitable[None]]] = [
    handshake,
    content_of_all_kinds,
    content_that_it_does_not_take,
    mcp_servers_in_acps_shape,
    modes,
    config_options,
    an_error_of_the_agent,
    authentication,
    a_request_that_the_agent_does_not_know,
    cancel,
    cancel_while_a_permission_waits,
    sleep_and_continue,
    close,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_scenarios(talk: Talk, scenario: Callable[[Talk], Awaitable[None]]) -> None:
    await scenario(talk)
    await checked(talk)
