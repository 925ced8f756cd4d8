from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.acp import session_state as ss
from runtime.acp.session_state import SessionState, event_type
from runtime.api.events import (
    AGENT_EXIT,
    PERMISSION_REPLY,
    SESSION_CLOSED,
    SESSION_RESUMED,
    SESSION_STARTED,
    SESSION_SUSPENDED,
    TURN_ENDED,
    TURN_INTERRUPTED,
    TURN_STARTED,
)

MODES = {"currentModeId": "ask", "availableModes": [{"id": "ask", "name": "Ask"}, {"id": "code", "name": "Code"}]}
OPTION = {"id": "model", "name": "Model", "category": "model", "type": "select", "currentValue": "a", "options": []}


def update(kind: str, **members: Any) -> tuple[str, dict[str, Any]]:
    params = {"sessionId": "s", "update": {"sessionUpdate": kind, **members}}
    return event_type("session/update", params), params


def folded(*events: tuple[str, dict[str, Any]]) -> SessionState:
    state = SessionState()
    for type_, params in events:
        state = state.fold(type_, params)
    return state


STARTED: tuple[str, dict[str, Any]] = (SESSION_STARTED, {"modes": MODES, "configOptions": [OPTION]})


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([], "suspended"),
        ([STARTED], "idle"),
        ([STARTED, (TURN_STARTED, {})], "running"),
        ([STARTED, (TURN_STARTED, {}), (TURN_ENDED, {})], "idle"),
        ([STARTED, (TURN_STARTED, {}), (AGENT_EXIT, {})], "running"),
        ([STARTED, (TURN_STARTED, {}), (AGENT_EXIT, {}), (TURN_ENDED, {})], "suspended"),
        ([STARTED, (TURN_STARTED, {}), (TURN_INTERRUPTED, {})], "suspended"),
        ([STARTED, (SESSION_SUSPENDED, {})], "suspended"),
        ([STARTED, (SESSION_SUSPENDED, {}), (SESSION_RESUMED, {})], "idle"),
        ([STARTED, (SESSION_CLOSED, {})], "closed"),
        ([STARTED, (SESSION_CLOSED, {}), (SESSION_RESUMED, {})], "idle"),
    ],
)
def test_statuses(events: list[tuple[str, dict[str, Any]]], status: str) -> None:
    assert folded(*events).status == status


def test_modes_options_and_title_follow_the_updates() -> None:
    state = folded(
        STARTED,
        update(ss.CURRENT_MODE_UPDATE, currentModeId="code"),
        update(ss.CONFIG_OPTION_UPDATE, configOptions=[{**OPTION, "currentValue": "b"}, {"no": "id"}]),
        update(ss.SESSION_INFO_UPDATE, title="Fix it"),
    )
    assert state.modes is not None
    assert state.modes["currentModeId"] == "code"
    assert [option["currentValue"] for option in state.config_options] == ["b"]
    assert state.title == "Fix it"
    assert state.fold(*update(ss.SESSION_INFO_UPDATE, updatedAt="now")).title == "Fix it"
    assert state.fold(*update(ss.SESSION_INFO_UPDATE, title=None)).title is None
    assert STARTED[1]["modes"]["currentModeId"] == "ask", "records are not changed in place"


def test_an_always_is_remembered() -> None:
    state = folded(STARTED, (PERMISSION_REPLY, {"remember": ["execute", "bash"]}), (PERMISSION_REPLY, {}))
    assert state.remembered == {("execute", "bash")}


def test_an_agent_cannot_forge_our_events() -> None:
    assert event_type("session/update", {"update": {"sessionUpdate": TURN_ENDED}}) == "session/update"
    assert event_type("session/update", {"update": {"sessionUpdate": "tool_call"}}) == "tool_call"
    assert event_type("session/update", None) == "session/update"
    assert event_type("_torpor/stderr", {}) == "_torpor/stderr"


@given(
    st.lists(
        st.sampled_from(
            [
                STARTED,
                (TURN_STARTED, {}),
                (TURN_ENDED, {}),
                (AGENT_EXIT, {}),
                update("agent_message_chunk", content={"type": "text", "text": "x"}),
                update(ss.CURRENT_MODE_UPDATE, currentModeId=5),
                update(ss.CONFIG_OPTION_UPDATE, configOptions="what"),
                update("some_kind_of_next_year"),
            ]
        )
    )
)
def test_the_state_types_alone_give_the_same_state(events: list[tuple[str, dict[str, Any]]]) -> None:
    assert folded(*events) == folded(*(event for event in events if event[0] in ss.STATE_TYPES))
