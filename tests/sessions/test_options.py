from __future__ import annotations

import uuid
from typing import Any

import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.limits import MAX_ENV_BYTES
from runtime.sessions.options import instructions
from runtime.sessions.options import mcp_servers as mcp
from runtime.sessions.options.options import new_session_id, parse_options
from tests.sessions.fakes import create_options


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"type": "local", "command": "/x"}, {"name": "mcp-1", "command": "/x", "args": [], "env": []}),
        (
            {"name": "n", "command": "/x", "args": ["a"], "env": [{"name": "A", "value": "1"}]},
            {"name": "n", "command": "/x", "args": ["a"], "env": [{"name": "A", "value": "1"}]},
        ),
        ({"type": "remote", "url": "http://u"}, {"type": "http", "name": "mcp-1", "url": "http://u", "headers": []}),
        (
            {"type": "sse", "name": "n", "url": "http://u", "headers": {"H": "v"}, "_meta": {"m": 1}},
            {
                "type": "sse",
                "name": "n",
                "url": "http://u",
                "headers": [{"name": "H", "value": "v"}],
                "_meta": {"m": 1},
            },
        ),
        (
            {"type": "http", "url": "http://u", "headers": None},
            {"type": "http", "name": "mcp-1", "url": "http://u", "headers": []},
        ),
    ],
)
def test_mcp_servers_in_acp_shape(given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert mcp.normalise([given]) == [sent]
    assert mcp.normalise(mcp.normalise([given])) == [sent], "what is in shape stays as it is"


@pytest.mark.parametrize(
    "server",
    [
        {},
        {"type": "local"},
        {"type": "remote"},
        {"type": "local", "command": "/x", "args": "a"},
        {"type": "local", "command": "/x", "env": {"A": 1}},
        {"type": "remote", "url": "http://u", "headers": ["H: v"]},
        {"type": "ws", "url": "http://u"},
        {"name": "", "command": "/x"},
    ],
)
def test_mcp_servers_that_are_none(server: Any) -> None:
    with pytest.raises(ApiError) as caught:
        mcp.normalise([server])
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT


def test_absent_and_null_options_are_the_same() -> None:
    nulls = create_options({"cwd": None, "env": None, "permissionPolicy": None})
    assert parse_options(nulls) == parse_options(create_options({}))


def test_environments_are_limited() -> None:
    with pytest.raises(ApiError) as caught:
        parse_options(create_options({"env": {"A": "x" * MAX_ENV_BYTES}}))
    assert caught.value.code is ErrorCode.TOO_LARGE


def test_ids_are_uuids_in_order_of_time() -> None:
    ids = [new_session_id() for _ in range(50)]
    assert len(set(ids)) == 50
    for id_ in ids:
        assert uuid.UUID(id_).version == 7
        assert uuid.UUID(id_).variant == uuid.RFC_4122
    assert [id_[:13] for id_ in ids] == sorted(id_[:13] for id_ in ids)


def test_instructions_keep_the_tools() -> None:
    whole = instructions.compose("More.", skip_base=False)
    assert whole.index(instructions.BASE) < whole.index(instructions.TOOLS) < whole.index("More.")
    skipped = instructions.compose("More.", skip_base=True)
    assert instructions.BASE not in skipped
    assert instructions.TOOLS in skipped
    assert skipped.endswith("More.")
