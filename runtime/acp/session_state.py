"""A session's state as a fold over its transcript.

The transcript is the only truth about a session, so its state is defined as what remains after reading it from the
start, one event at a time. Live sessions fold each event as they record it; nothing else may change the state. That way
a session that is read back after a crash cannot disagree with what its clients have seen.

The four statuses of the API are not states of one machine: they are the combinations of three independent facts (has
it been closed, is a turn open, is an agent alive), and an event changes one fact at a time. An agent may die while its
turn is open, and the turn is ended after that; a turn's end says nothing about the agent. Two tables say it all:
`EFFECTS` (what an event changes) and `STATUS` (what the facts are called).

Events that carry no such fact (chunks of text, tool calls, kinds that this version does not know) leave the state alone.
A turn is over when the log says `_torpor/turn_ended`, never when some answer came: see `runtime.acp.turn`.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import attrs

from runtime.acp.messages import SESSION_UPDATE, config_options_of, modes_of, update_kind
from runtime.acp.usage import NOTHING_TOLD, Usage
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

MAX_TITLE: Final = 1000
"""Characters of a session's title that are kept with it: every list of sessions has them."""


CURRENT_MODE_UPDATE: Final = "current_mode_update"
CONFIG_OPTION_UPDATE: Final = "config_option_update"
SESSION_INFO_UPDATE: Final = "session_info_update"
USAGE_UPDATE: Final = "usage_update"

CONTINUATION: Final = "continuation"
"""The `tier` of a `SESSION_RESUMED` whose agent has begun a new session of its own."""

Status: TypeAlias = Literal["running", "idle", "suspended", "closed"]

EFFECTS: Final[dict[str, dict[str, bool]]] = {
    SESSION_STARTED: {"live": True, "closed": False},
    SESSION_RESUMED: {"live": True, "closed": False},
    SESSION_SUSPENDED: {"live": False},
    SESSION_CLOSED: {"live": False, "closed": True},
    AGENT_EXIT: {"live": False},
    TURN_STARTED: {"running": True},
    TURN_ENDED: {"running": False},
    TURN_INTERRUPTED: {"running": False, "live": False},  # it is found by the next daemon: the agent is gone too
}
"""Event type -> the facts that it sets."""

STATUS: Final[dict[tuple[bool, bool, bool], Status]] = {
    # closed, running, live
    (False, False, False): "suspended",
    (False, False, True): "idle",
    (False, True, False): "running",  # the agent has died and its turn is being ended
    (False, True, True): "running",
    (True, False, False): "closed",
    (True, False, True): "closed",
    (True, True, False): "closed",
    (True, True, True): "closed",
}

ToolKey: TypeAlias = "tuple[str, str]"
"""What an "always" is remembered for: the kind and the name of a tool, see `runtime.sessions.asking.permissions`."""


@attrs.frozen
class SessionState:
    """What a transcript says about its session."""

    closed: bool = False
    running: bool = False
    live: bool = False
    modes: dict[str, Any] | None = None
    """`SessionModeState`, None for an agent without modes."""
    config_options: tuple[dict[str, Any], ...] = ()
    title: str | None = None
    remembered: frozenset[ToolKey] = frozenset()
    """Tools whose permission was granted with "always"."""
    continuation: str | None = None
    """The file with the transcript that the agent has not been told of yet; see `runtime.sessions.operations.resume`."""
    turn_id: str | None = None
    """The last turn that was started."""
    usage: Usage = NOTHING_TOLD
    """What the agent has told of tokens and cost."""

    @property
    def status(self) -> Status:
        """The API's name for this state."""
        return STATUS[self.closed, self.running, self.live]

    def fold(self, type_: str, params: dict[str, Any]) -> SessionState:
        """The state after one more event of type `type_` (see `event_type`)."""
        effects = EFFECTS.get(type_)
        if effects is not None:
            state = attrs.evolve(self, **effects)  # type: ignore[arg-type]  # every value is a bool, as the table says
            if type_ == TURN_STARTED:
                return attrs.evolve(state, continuation=None, turn_id=params.get("turnId"))
            if type_ == TURN_ENDED:
                return attrs.evolve(state, usage=state.usage.with_turn(params.get("response")))
            return _setup(state, params) if type_ in (SESSION_STARTED, SESSION_RESUMED) else state
        reader = _READERS.get(type_)
        return self if reader is None else reader(self, params)


def _setup(state: SessionState, params: dict[str, Any]) -> SessionState:
    state = attrs.evolve(state, continuation=params.get("path"))
    if params.get("tier") == CONTINUATION:
        state = attrs.evolve(state, usage=state.usage.afresh())
    if "modes" in params:
        state = attrs.evolve(state, modes=modes_of(params["modes"]))
    if "configOptions" in params:
        state = attrs.evolve(state, config_options=tuple(config_options_of(params["configOptions"])))
    return state


def _current_mode(state: SessionState, params: dict[str, Any]) -> SessionState:
    mode = params["update"].get("currentModeId")
    if state.modes is None or not isinstance(mode, str):
        return state
    return attrs.evolve(state, modes={**state.modes, "currentModeId": mode})


def _config_options(state: SessionState, params: dict[str, Any]) -> SessionState:
    return attrs.evolve(state, config_options=tuple(config_options_of(params["update"].get("configOptions"))))


def _info(state: SessionState, params: dict[str, Any]) -> SessionState:
    title = params["update"].get("title", state.title)  # null clears it
    if title is None:
        return attrs.evolve(state, title=None)
    return attrs.evolve(state, title=title[:MAX_TITLE]) if isinstance(title, str) else state


def _usage(state: SessionState, params: dict[str, Any]) -> SessionState:
    return attrs.evolve(state, usage=state.usage.with_update(params["update"]))


def _reply(state: SessionState, params: dict[str, Any]) -> SessionState:
    tool = params.get("remember")
    if not (isinstance(tool, (list, tuple)) and len(tool) == len(("kind", "name"))):
        return state
    return attrs.evolve(state, remembered=state.remembered | {(str(tool[0]), str(tool[1]))})


_READERS: Final = {
    CURRENT_MODE_UPDATE: _current_mode,
    CONFIG_OPTION_UPDATE: _config_options,
    SESSION_INFO_UPDATE: _info,
    USAGE_UPDATE: _usage,
    PERMISSION_REPLY: _reply,
}

STATE_TYPES: Final = frozenset({*EFFECTS, *_READERS})
"""The event types that a fold needs: reading these alone gives the same state as reading everything."""


def event_type(method: str, params: Any) -> str:
    """The type that `types` filters select on: a session update's kind, for all else the method.

    Methods have a slash and kinds of updates none; a kind with one is not believed, or an agent could write an update
    that reads as one of our own events.
    """
    kind = update_kind(params) if method == SESSION_UPDATE else None
    return kind if kind and "/" not in kind else method
