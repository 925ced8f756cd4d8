"""The document of `rpc.discover` says of everything what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import runtime
from runtime.api.errors import ErrorCode
from runtime.api.events import EVENTS
from runtime.api.openrpc import openrpc_document

DOCUMENT = openrpc_document("1.2.3")
RUNTIME = Path(runtime.__file__).parent
COMPONENTS = DOCUMENT["components"]["schemas"]
MEMBERS = [
    (record, member, schema)
    for record, component in COMPONENTS.items()
    for member, schema in component.get("properties", {}).items()
]


def test_every_member_of_a_record_is_described():
    assert [f"{record}.{member}" for record, member, schema in MEMBERS if not schema.get("description")] == []


@pytest.mark.parametrize("method", DOCUMENT["methods"], ids=lambda method: method["name"])
def test_a_method_says_what_it_takes_and_returns(method):
    assert method["summary"].endswith(".")
    assert all(param["description"] == param["schema"]["description"] for param in method["params"])
    result = method["result"]
    assert result.get("description") or COMPONENTS[result["schema"]["$ref"].rpartition("/")[2]]["description"]
    assert all(len(error["message"]) > len(error["data"]["code"]) for error in method["errors"])


def test_every_error_has_a_meaning():
    assert all(code.meaning.endswith(".") for code in ErrorCode)


def test_every_event_of_ours_is_told():
    told = {event["name"]: event for event in DOCUMENT["x-events"]}
    assert told.keys() == EVENTS.keys()
    ended = {member["name"]: member for member in told["_torpor/turn_ended"]["members"]}
    assert ended["turnId"]["required"]
    assert not ended["fuelUsed"]["required"]
    assert all(member["description"] for event in told.values() for member in event["members"])


def test_no_event_of_ours_is_missing_from_the_table():
    sources = (path.read_text("utf-8") for path in RUNTIME.rglob("*.py"))
    assert {name for source in sources for name in re.findall(r"\"(_torpor/\w+)\"", source)} == EVENTS.keys()
