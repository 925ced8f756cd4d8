"""What `torpor acp` takes for params, held against ACP's own JSON schema, as its official library has it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from runtime.cli.acp.shapes import MAX_FAULTS, faults
from tests.cli.test_acp_face import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

GONE = object()
WRONG: tuple[Any, ...] = (GONE, None, 5, -1, 1.5, True, "x", [], {}, [5], [{}], {"type": "x"})
SERVERS = [
    {"name": "a", "command": "/bin/a", "args": ["-x"], "env": [{"name": "A", "value": "b"}]},
    {"type": "http", "name": "b", "url": "http://b", "headers": [{"name": "A", "value": "b"}]},
    {"type": "sse", "name": "c", "url": "http://c", "headers": []},
]
CONTENT = [
    {"type": "text", "text": "a"},
    {"type": "image", "data": "AAAA", "mimeType": "image/png"},
    {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
    {"type": "resource_link", "name": "a", "uri": "file:///a"},
    {"type": "resource", "resource": {"uri": "file:///a", "text": "a"}},
    {"type": "resource", "resource": {"uri": "file:///a", "blob": "AAAA"}},
]
SCHEMA = Path(__file__).parents[2] / "agents/node_modules/@agentclientprotocol/sdk/schema/v1/schema.json"
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("initialize", "InitializeRequest", {"protocolVersion": 1}),
    ("session/new", "NewSessionRequest", {"cwd": "/a", "mcpServers": SERVERS, "additionalDirectories": ["/b"]}),
    ("session/load", "LoadSessionRequest", {"sessionId": "s", "cwd": "/a", "mcpServers": SERVERS}),
    ("session/resume", "ResumeSessionRequest", {"sessionId": "s", "cwd": "/a", "mcpServers": SERVERS}),
    ("session/list", "ListSessionsRequest", {"cwd": "/a", "cursor": "c"}),
    ("session/close", "CloseSessionRequest", {"sessionId": "s"}),
    ("session/delete", "DeleteSessionRequest", {"sessionId": "s"}),
    ("session/prompt", "PromptRequest", {"sessionId": "s", "prompt": CONTENT}),
    ("session/set_mode", "SetSessionModeRequest", {"sessionId": "s", "modeId": "m"}),
    ("session/set_config_option", "SetSessionConfigOptionRequest", {"sessionId": "s", "configId": "c", "value": "v"}),
    (
        "session/set_config_option",
        "SetSessionConfigOptionRequest",
        {"sessionId": "s", "configId": "c", "type": "boolean", "value": False},
    ),
]
cases = pytest.mark.parametrize(("method", "name", "params"), CASES)


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """The paths of all that is in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (key,)
        yield from ((key, *rest) for rest in places(each))


def changed(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    copied = copy.deepcopy(value)
    holder = copied
    for key in place[:-1]:
        holder = holder[key]
    if other is GONE:
        del holder[place[-1]]
    else:
        holder[place[-1]] = other
    return copied


def as_insisted(part: Any) -> Any:
    """A schema without what a reader is to make the best of."""
    if isinstance(part, list):
        return [as_insisted(each) for each in part]
    if not isinstance(part, dict):
        return part
    part = {key: as_insisted(each) for key, each in part.items()}
    members = part.get("properties")
    if isinstance(members, dict):
        for name, member in list(members.items()):
            if not isinstance(member, dict):
                continue
            if member.get("x-deserialize-default-on-error"):
                members[name] = {}
            elif member.get("x-deserialize-default-on-null") and name not in part.get("required", ()):
                members[name] = {"anyOf": [member, {"type": "null"}]}
    return part


@pytest.fixture(scope="module")
def schema() -> Any:
    return as_insisted(json.loads(SCHEMA.read_bytes()))


@cases
def test_the_same_is_wrong_for_both(schema: Any, method: str, name: str, params: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator({"$defs": schema["$defs"], "$ref": f"#/$defs/{name}"})
    assert faults(method, params) == []
    seen = set()
    for place in places(params):
        for other in WRONG:
            mutant = changed(params, place, other)
            told = faults(method, mutant)
            assert bool(told) is not validator.is_valid(mutant), (mutant, told)
            seen.add(bool(told))
            if told:
                at = place[:-1] if place[-1] == "type" else place  # which says what is expected beside it
                pointer = "".join(f"/{step}" for step in at)
                assert any(pointer.startswith(each) or each.startswith(pointer) for each, _ in told), (pointer, told)
    assert True in seen


@cases
@pytest.mark.parametrize("params_", [[], ["a"], "x", 5, True])
def test_params_go_by_name(method: str, name: str, params: dict[str, Any], params_: Any) -> None:
    assert faults(method, params_) == [("", "an object is expected")]


def test_a_request_with_wrong_params_is_refused_with_their_pointers() -> None:
    stage = Stage()
    stage.editor("session/new", id_=1, cwd="/w", mcpServers=[{"name": "a", "command": "b", "args": [1], "env": None}])
    (answer,) = stage.told()
    assert answer["error"]["code"] == -32602
    assert answer["error"]["data"]["errors"] == [
        {"pointer": "/mcpServers/0/args/0", "message": "a string is expected"},
        {"pointer": "/mcpServers/0/env", "message": "a list is expected"},
    ]
    assert stage.silent()


def test_so_many_faults_are_told_at_once() -> None:
    for count in (MAX_FAULTS, MAX_FAULTS + 1):
        assert len(faults("session/new", {"cwd": "/w", "mcpServers": [5] * count})) == MAX_FAULTS


@pytest.mark.parametrize(("version", "right"), [(0, True), (65535, True), (65536, False), (10**30, False)])
def test_a_version_is_of_16_bits(schema: Any, version: int, right: bool) -> None:
    params = {"protocolVersion": version}
    validator = jsonschema.Draft202012Validator({"$defs": schema["$defs"], "$ref": "#/$defs/InitializeRequest"})
    assert (faults("initialize", params) == []) is validator.is_valid(params) is right


def test_members_that_acp_does_not_insist_on_may_be_anything() -> None:
    odd = {"protocolVersion": 1, "clientCapabilities": 5, "clientInfo": [], "_meta": 1, "more": {}}
    assert faults("initialize", odd) == []
    assert faults("_vendor/x", 5) == []
