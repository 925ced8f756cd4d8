from __future__ import annotations

from typing import Any

import msgspec
import pytest

from runtime.api.errors import ErrorCode
from runtime.large_json import SMALL_BYTES, STEP_BYTES
from runtime.sessions.options.redaction import MAX_DEPTH, MIN_LINE, NOTHING, Redactor
from tests.sessions.fakes import FakeAgent, FakeVm, RpcFailError, failing, new

KEY = "sk-1234567890"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor({"KEY": KEY, "SHORT": "1234", "QUOTED": 'a "quoted"\\ value', "LONGER": f"{KEY}-and-more"})


def test_values_are_replaced_by_their_names(redactor: Redactor) -> None:
    assert redactor.text(f"<{KEY}> {KEY}{KEY}") == "<[redacted:KEY]> [redacted:KEY][redacted:KEY]"
    assert redactor.text(f"{KEY}-and-more") == "[redacted:LONGER]"
    assert redactor.text("1234") == "1234", "too short to be searched for"
    assert redactor.text('a "quoted"\\ value') == "[redacted:QUOTED]"
    printed = msgspec.json.encode({"QUOTED": 'a "quoted"\\ value'}).decode()
    assert redactor.text(printed) == '{"QUOTED":"[redacted:QUOTED]"}'


def test_values_are_found_at_any_depth_and_in_names(redactor: Redactor) -> None:
    value = {"text": KEY, "list": [1, None, (f"x{KEY}",)], KEY: {"content": True}}
    assert redactor.value(value) == {
        "text": "[redacted:KEY]",
        "list": [1, None, ["x[redacted:KEY]"]],
        "[redacted:KEY]": {"content": True},
    }
    assert redactor.found_in(msgspec.json.encode(value))
    assert not redactor.found_in(msgspec.json.encode({"text": "nothing of the kind"}))


def test_names_that_are_words_are_the_protocols() -> None:
    assert Redactor({"S": "content"}).value({"content": "the content"}) == {"content": "the [redacted:S]"}


def test_what_is_nested_too_deeply_is_left_out(redactor: Redactor) -> None:
    value: Any = KEY
    for _ in range(5 * MAX_DEPTH):
        value = [value]
    text = str(redactor.value(value))
    assert KEY not in text
    assert "[redacted]" in text


def test_the_lines_of_a_value_are_found_one_by_one() -> None:
    lines = ["-----BEGIN KEY-----", "MIIEvQIBADANBgkqhkiG9w0B", "a" * (MIN_LINE - 1)]
    redactor = Redactor({"PEM": "\n".join(lines) + "\n"})
    assert redactor.text(f"1: {lines[1]}\n2: {lines[2]}") == f"1: [redacted:PEM]\n2: {lines[2]}"
    assert redactor.text("\n".join(lines)) == "[redacted:PEM]"


def test_without_secrets_nothing_changes() -> None:
    value = {"text": [KEY]}
    assert NOTHING.value(value) is value
    assert not NOTHING.found_in(b"anything")
    assert NOTHING.text(KEY) == KEY


async def test_what_an_agent_says_of_itself_is_redacted(vm: FakeVm) -> None:
    told = {"name": "agent", "version": KEY}

    async def initialize(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return {"protocolVersion": 1, "agentCapabilities": {"_meta": {"key": KEY}}, "agentInfo": told}

    async def whoami(agent: FakeAgent, params: dict[str, Any]) -> Any:
        return told

    async def refuse(agent: FakeAgent, params: dict[str, Any]) -> Any:
        raise RpcFailError(-32000, f"bad {KEY}", {"key": KEY})

    vm.behaviour.update({"initialize": initialize, "_whoami": whoami, "_refuse": refuse})
    id_ = await new(vm, secrets={"KEY": KEY})
    assert vm.agent.process.env["KEY"] == KEY
    expected = {"name": "agent", "version": "[redacted:KEY]"}
    assert vm.sessions.get(id_)["agentInfo"] == expected
    assert await vm.sessions.raw_send(id_, "_whoami") == expected
    with failing(ErrorCode.AGENT_ERROR) as data:
        await vm.sessions.raw_send(id_, "_refuse")
    assert data["agentError"] == {"code": -32000, "message": "bad [redacted:KEY]", "data": {"key": "[redacted:KEY]"}}
    assert KEY not in str(await vm.events(id_))


async def test_a_turns_text_is_searched_as_a_whole(vm: FakeVm) -> None:
    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        for text in ("it is ", KEY[:5], KEY[5:]):
            await agent.update("agent_message_chunk", content={"type": "text", "text": text})
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = prompt
    id_ = await new(vm, secrets={"KEY": KEY})
    for _ in range(2):
        assert (await vm.sessions.prompt(id_, "x", "key"))["text"] == "it is [redacted:KEY]"


@pytest.mark.slow
@pytest.mark.parametrize("before", [0, STEP_BYTES - len(KEY) // 2, 3 * STEP_BYTES])
async def test_large_events_are_searched_to_their_end(vm: FakeVm, before: int) -> None:
    """In pieces, between two of which a secret may lie."""
    id_ = await new(vm, secrets={"KEY": KEY})
    for shift in range(0, 200, 9):  # what stands before the text in its event
        text = "x" * (before - shift) + KEY + "y" * SMALL_BYTES
        await vm.sessions.prompt(id_, text)
    assert KEY not in str(await vm.events(id_))
