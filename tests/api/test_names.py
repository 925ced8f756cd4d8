"""What is documented of names is what every layer below the socket takes; `tests/system/test_names.py` asks a daemon."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from runtime.api import names
from runtime.api.errors import ApiError
from runtime.api.openrpc import openrpc_document
from runtime.api.sessions import SessionOptions
from runtime.vms.portable import FileJudge

SESSION_IDS = {
    **dict.fromkeys(["a:b", "_a", "0", "A.b-c:d_e", "x" * names.MAX_NAME], True),
    **dict.fromkeys(["", ":a", "-a", ".a", "..", "a/b", "a b", "a\n", "é", "x" * (names.MAX_NAME + 1)], False),
}
PARTS = {
    **dict.fromkeys(["a", ".", "-", "A.b_c-9", "x" * names.MAX_NAME], True),
    **dict.fromkeys(["", "a:b", "a b", "a\n", "é", "x" * (names.MAX_NAME + 1)], False),
}
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
