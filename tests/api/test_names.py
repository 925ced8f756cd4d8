"""What is documented of names is what every layer below the socket takes; `tests/system/test_names.py` asks a daemon."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from runtime.api import limits, names
from runtime.api.errors import ApiError
from runtime.api.openrpc import openrpc_document
from runtime.api.processes import Start
from runtime.api.sessions import ResumeOptions, Secret, SessionOptions
from runtime.api.turns import SendPrompt
from runtime.api.vms import VmOptions
from runtime.cli.table import UsageError, environment
from runtime.sessions.options import mcp_servers
from runtime.sessions.turns.prompts import check_key
from runtime.store.sql import json_text
from runtime.vms.portable import FileJudge

SESSION_IDS = {
    **dict.fromkeys(["a:b", "_a", "0", "A.b-c:d_e", "x" * names.MAX_NAME], True),
    **dict.fromkeys(["", ":a", "-a", ".a", "..", "a/b", "a b", "a\n", "é", "x" * (names.MAX_NAME + 1)], False),
}
PARTS = {
    **dict.fromkeys(["a", ".", "-", "A.b_c-9", "x" * names.MAX_NAME], True),
    **dict.fromkeys(["", "a:b", "a b", "a\n", "é", "x" * (names.MAX_NAME + 1)], False),
}
VARIABLES = {
    **dict.fromkeys(["A", "a b", "1", "é", "A-B", "A.B", "a\n"], True),
    **dict.fromkeys(["", "A=B", "=", "A=", "A\0B", "\0"], False),
}
VALUES = {"": True, "a=b": True, "x\ny": True, "é": True, "\0": False, "a\0": False}
KEYS = {"k": True, "k" * limits.MAX_KEY: True, "\0": True, "": False, "k" * (limits.MAX_KEY + 1): False}
LABELS = {"": True, "a/b": True, "x" * limits.MAX_LABEL: True, "x" * (limits.MAX_LABEL + 1): False}
COLUMNS: dict[str, Any] = {
    **dict.fromkeys(("agent_session_id", "title", "capabilities", "agent_info", "modes"), None),
    "agent_type": "echo",
    "options": "{}",
    "env_names": "[]",
    "config_options": "[]",
    "status": "closed",
    "cwd": "/",
    "created_at": 0,
    "updated_at": 0,
}


def documented(record: str, member: str) -> list[dict[str, Any]]:
    """The schemas of the strings that a member may be."""
    schema = openrpc_document("0")["components"]["schemas"][record]["properties"][member]
    return [each for each in schema.get("anyOf", [schema]) if each["type"] == "string"]


def takes(schema: dict[str, Any], text: str) -> bool:
    """Whether a JSON Schema for a string takes it."""
    return (
        schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
        and re.search(schema["pattern"].replace(r"$", r"\Z"), text) is not None
    )


def refused(call: Any, *arguments: Any) -> bool:
    """Whether a call answers with an error of the API, or takes no such value."""
    try:
        call(*arguments)
    except (ApiError, msgspec.ValidationError):
        return True
    return False


@pytest.mark.parametrize(("id_", "taken"), SESSION_IDS.items())
def test_a_session_id_is_one_everywhere(id_: str, taken: bool) -> None:
    (schema,) = documented("SessionOptions", "sessionId")
    assert takes(schema, id_) is taken
    assert names.is_session_id(id_) is taken
    assert refused(msgspec.convert, {"sessionId": id_}, SessionOptions) is not taken
    assert refused(FileJudge(None, trust=False).session, {**COLUMNS, "session_id": id_}) is not taken


@pytest.mark.parametrize(("part", "taken"), PARTS.items())
def test_a_part_of_a_vms_name_is_one_everywhere(part: str, taken: bool) -> None:
    (schema,) = documented("VmGetOrCreate", "vm")
    assert takes(schema, part) is taken
    for parts in ([part], ["a", part], [part] * names.MAX_PARTS):
        name = names.joined(parts)
        assert names.is_vm_name(name) is taken
        assert refused(FileJudge(None, trust=False).vm, name, {}) is not taken
        assert refused(FileJudge(name, trust=False).vm, "other", {}) is not taken


def test_a_name_has_so_many_parts() -> None:
    assert names.is_vm_name("/".join(["a"] * names.MAX_PARTS))
    assert not names.is_vm_name("/".join(["a"] * (names.MAX_PARTS + 1)))
    assert refused(FileJudge(None, trust=False).vm, "/".join(["a"] * (names.MAX_PARTS + 1)), {})


@pytest.mark.parametrize(("name", "taken"), VARIABLES.items())
def test_a_variables_name_is_one_everywhere(name: str, taken: bool) -> None:
    assert names.is_variable(name) is taken
    assert refused(msgspec.convert, {"vm": "v", "argv": ["x"], "env": {name: ""}}, Start) is not taken
    assert refused(msgspec.convert, {"fromHostEnv": name}, Secret) is not taken
    for options in (SessionOptions, ResumeOptions):
        assert refused(msgspec.convert, {"env": {name: ""}}, options) is not taken
        assert refused(msgspec.convert, {"secrets": {name: "x"}}, options) is not taken
    for env in ({name: ""}, [{"name": name, "value": ""}]):
        assert refused(mcp_servers.normalise, [{"command": "x", "env": env}]) is not taken
    columns = {**COLUMNS, "session_id": "s", "env_names": json_text([name])}
    assert refused(FileJudge(None, trust=False).session, columns) is not taken


@pytest.mark.parametrize(("name", "taken"), VARIABLES.items())
def test_a_command_takes_the_same_names_as_far_as_it_can_say_them(name: str, taken: bool) -> None:
    """An argument has no NUL, and what stands before its first equals sign is the name."""
    if "\0" in name or ("=" in name and not name.startswith("=")):
        return
    if taken:
        assert environment([f"{name}=x"]) == {name: "x"}
    else:
        with pytest.raises(UsageError):
            environment([f"{name}=x"])


@pytest.mark.parametrize(("value", "taken"), VALUES.items())
def test_a_variables_value_is_one_everywhere(value: str, taken: bool) -> None:
    assert refused(msgspec.convert, {"vm": "v", "argv": ["x"], "env": {"A": value}}, Start) is not taken
    assert refused(msgspec.convert, {"value": value}, Secret) is not taken
    for options in (SessionOptions, ResumeOptions):
        assert refused(msgspec.convert, {"env": {"A": value}}, options) is not taken
        assert refused(msgspec.convert, {"secrets": {"A": value}}, options) is not taken
    for env in ({"A": value}, [{"name": "A", "value": value}]):
        assert refused(mcp_servers.normalise, [{"command": "x", "env": env}]) is not taken
    if "\0" not in value:
        assert environment([f"A={value}"]) == {"A": value}


@pytest.mark.parametrize(("key", "taken"), KEYS.items())
def test_an_idempotency_key_is_one_everywhere(key: str, taken: bool) -> None:
    params = {"vm": "v", "sessionId": "s", "prompt": "", "idempotencyKey": key}
    assert refused(msgspec.convert, params, SendPrompt) is not taken
    assert refused(check_key, key) is not taken


@pytest.mark.parametrize(("label", "taken"), LABELS.items())
def test_a_label_is_one_everywhere(label: str, taken: bool) -> None:
    for labels in ({label: ""}, {"x": label}):
        assert refused(msgspec.convert, {"labels": labels}, VmOptions) is not taken
        assert refused(FileJudge(None, trust=False).vm, "v", {"labels": labels}) is not taken
