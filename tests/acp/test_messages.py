from __future__ import annotations

from typing import Any

import pytest

from runtime.acp.messages import (
    Capabilities,
    InitializeResult,
    MessageError,
    PermissionRequest,
    ReadTextFile,
    Update,
    check_content,
    config_options_of,
    modes_of,
    parse,
    text_of,
)


def test_unknown_members_and_values_are_tolerated() -> None:
    request = parse(
        {
            "sessionId": "s",
            "toolCall": {"toolCallId": "t", "kind": "teleport"},
            "options": [{"optionId": "o", "name": "O", "kind": "allow_for_an_hour", "extra": 1}],
            "_meta": {"sessionId": "other"},
            "future": True,
        },
        PermissionRequest,
    )
    assert request.session_id == "s"
    assert request.options[0].kind == "allow_for_an_hour"


@pytest.mark.parametrize(
    ("value", "record", "member"),
    [
        (None, Update, "sessionId"),
        ({"sessionId": 5, "update": {}}, Update, "sessionId"),
        ({"sessionId": "s", "path": "/x", "line": "3"}, ReadTextFile, "line"),
        ({"protocolVersion": "1"}, InitializeResult, "protocolVersion"),
        ([], Update, "array"),
    ],
)
def test_a_message_that_does_not_fit_names_the_member(value: Any, record: type, member: str) -> None:
    with pytest.raises(MessageError, match=member):
        parse(value, record)


def test_capabilities_default_to_unsupported() -> None:
    odd: list[Any] = [None, [], {"loadSession": "yes", "sessionCapabilities": [], "promptCapabilities": None}]
    for raw in odd:
        capabilities = Capabilities.of(raw)
        assert not capabilities.load
        assert not capabilities.session("resume")
        assert not capabilities.prompt("image")
        assert not capabilities.mcp("http")
    full = Capabilities.of(
        {
            "loadSession": True,
            "sessionCapabilities": {"resume": {}, "close": None},
            "promptCapabilities": {"image": True},
            "mcpCapabilities": {"http": True},
        }
    )
    assert full.load
    assert full.session("resume")
    assert not full.session("close")
    assert full.prompt("image")
    assert full.mcp("http")


def test_odd_modes_options_and_chunks_count_as_none() -> None:
    assert modes_of({"currentModeId": "a", "availableModes": []}) is not None
    assert modes_of({"currentModeId": 1, "availableModes": []}) is None
    assert modes_of([]) is None
    assert config_options_of([{"id": "a"}, {"id": 1}, 3]) == [{"id": "a"}]
    assert config_options_of(None) == []
    assert text_of({"content": {"type": "text", "text": "x"}}) == "x"
    assert text_of({"content": {"type": "image", "text": "x"}}) == ""
    assert text_of({"content": "x"}) == ""


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": "x"},
        {"type": "resource_link", "name": "n", "uri": "file:///x"},
        {"type": "image", "data": "AA==", "mimeType": "image/png"},
        {"type": "resource", "resource": {"uri": "file:///x", "text": ""}},
        {"type": "resource", "resource": {"uri": "file:///x", "blob": "AA=="}},
    ],
)
def test_content_blocks(block: dict[str, Any]) -> None:
    assert check_content(block) == block["type"]
    for broken in ({}, {"type": block["type"]}, {**block, "type": "hologram"}, {**block, "type": []}, None):
        with pytest.raises(MessageError):
            check_content(broken)


@pytest.mark.parametrize("text", ["!!", "AAA", "AA==\n", "AA A", "_-AA", "AAAA=", "====", "é"])
def test_bytes_are_base64(text: str) -> None:
    for block in (
        {"type": "image", "data": text, "mimeType": "image/png"},
        {"type": "audio", "data": text, "mimeType": "audio/wav"},
        {"type": "resource", "resource": {"uri": "file:///x", "blob": text}},
    ):
        with pytest.raises(MessageError, match="is not base64"):
            check_content(block)
