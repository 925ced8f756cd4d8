from __future__ import annotations

import json
from typing import Any

import pytest

from runtime.acp.codec import MAX_TORN, Notification
from runtime.acp.connection import ClientConnection

HIGH, LOW, EMOJI, LOST = "\ud83d", "\ude00", "\U0001f600", "\ufffd"


def chunk(text: Any, kind: str = "agent_message_chunk", **more: Any) -> dict[str, Any]:
    return {"sessionId": "s", "update": {"sessionUpdate": kind, "content": {"type": "text", "text": text}, **more}}


def lines(*messages: Any) -> bytes:
    """Updates of these texts or params; what has a method or an id is a message by itself."""
    out = b""
    for message in messages:
        params = chunk(message) if isinstance(message, str) else message
        whole = "method" in params or "id" in params
        out += json.dumps(params if whole else {"method": "session/update", "params": params}).encode() + b"\n"
    return out


def told(connection: ClientConnection, data: bytes) -> list[Any]:
    """The texts of chunks, and of what is none its kind."""
    found = []
    for event in [*connection.receive(data), *connection.finish()]:
        content = event.params["update"].get("content") if isinstance(event, Notification) else None
        found.append(content["text"] if isinstance(content, dict) else type(event).__name__)
    return found


@pytest.mark.parametrize(
    ("sent", "recorded"),
    [
        (["Hello " + HIGH, LOW + " world"], ["Hello ", EMOJI + " world"]),
        (["a" + HIGH, LOW + HIGH, LOW], ["a", EMOJI, EMOJI]),
        ([HIGH, LOW], [EMOJI]),
        ([HIGH, "x"], [LOST + "x"]),
        (["a" + HIGH, "", LOW + "b"], ["a", EMOJI + "b"]),
        (["a" + HIGH + LOW, LOW + "b" + HIGH + "c"], ["a" + EMOJI, LOST + "b" + LOST + "c"]),
        (["a" + HIGH], ["a", LOST]),
        (["a" + HIGH, HIGH, LOW], ["a", LOST, EMOJI]),
        (["a" + HIGH, chunk(LOW, "agent_thought_chunk")], ["a", LOST, LOST]),
        (["a" + HIGH, chunk(LOW, messageId="2")], ["a", LOST, LOST]),
        (["a" + HIGH, chunk(LOW) | {"sessionId": "t"}], ["a", LOST, LOST]),
        (["a" + HIGH, {"sessionId": "s", "update": {"sessionUpdate": "plan"}}, LOW], ["a", "Notification", EMOJI]),
        (["a" + HIGH, {"id": 1, "method": "fs/read_text_file"}, LOW], ["a", LOST, "Request", LOST]),
        (["a" + HIGH, {"id": 0, "result": {}}], ["a", LOST, "AgentAnswer"]),
        (["a" + HIGH, "x" * MAX_TORN, "y"], ["a", LOST + "x" * MAX_TORN, "y"]),
        (["x" * MAX_TORN + HIGH, LOW], ["x" * MAX_TORN + LOST, LOST]),
    ],
)
def test_halves_over_chunks(sent: list[Any], recorded: list[Any]) -> None:
    connection = ClientConnection()
    connection.request("session/prompt", {})
    assert told(connection, lines(*sent)) == recorded


@pytest.mark.parametrize(
    ("sent", "recorded"),
    [
        ([b"Hello \xf0\x9f", b"\x98\x80 world"], ["Hello ", EMOJI + " world"]),
        ([b"\xf0", b"\x9f", b"\x98", b"\x80"], [EMOJI]),
        ([b"a\xe4\xb8", b"", b"\x96b\xff"], ["a", "\u4e16b" + LOST]),
        ([b"a\xe4\xb8", b"b"], ["a", LOST + "b"]),
        ([b"a\xe4\xb8", b"\\ude00b"], ["a", LOST + LOST + "b"]),
        ([b"a\\ud83d", b"\xffb"], ["a", LOST + LOST + "b"]),
        ([b"a\xe4\xb8"], ["a", LOST]),
        ([b"\xed\xa0\xbd\xed\xb8\x80", b"b"], [EMOJI, "b"]),
        ([b"\xff\\n\t\\ud83d", b"b"], [LOST + "\n\t" + LOST, "b"]),
    ],
)
def test_characters_that_are_cut_by_bytes(sent: list[bytes], recorded: list[str]) -> None:
    marked = [lines("@").replace(b"@", text) for text in sent]
    assert told(ClientConnection(), b"".join(marked)) == recorded


def test_a_half_in_another_place_is_replaced() -> None:
    odd = {"sessionId": HIGH, "update": {"sessionUpdate": "session_info_update", "title": "cut " + HIGH, LOW: 1}}
    (event,) = ClientConnection().receive(lines(odd))
    assert isinstance(event, Notification)
    update = {"sessionUpdate": "session_info_update", "title": "cut " + LOST, LOST: 1}
    assert event.params == {"sessionId": LOST, "update": update}
