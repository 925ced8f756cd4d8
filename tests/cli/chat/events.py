"""Events of a session as a daemon tells them, in short."""

from __future__ import annotations

from typing import Any

from runtime.cli.chat.fold import fold
from runtime.cli.chat.state import State


class Session:
    """A state and the events that make it; each takes a second."""

    def __init__(self) -> None:
        self.state = State()
        self.seq = 0

    def event(self, method: str, /, **params: Any) -> None:
        """Fold an event."""
        fold(self.state, {"seq": self.seq, "createdAt": 1000 * self.seq, "event": {"method": method, "params": params}})
        self.seq += 1

    def update(self, kind: str, /, **members: Any) -> None:
        """Fold an update of ACP's."""
        self.event("session/update", update={"sessionUpdate": kind, **members})

    def say(self, text: str, kind: str = "agent_message_chunk") -> None:
        """Fold a chunk of text."""
        self.update(kind, content={"type": "text", "text": text})

    def tool(self, call: str, **members: Any) -> None:
        """Fold an update of a tool call; the first makes it."""
        kind = "tool_call_update" if call in self.state.tools or call in self.state.shown else "tool_call"
        self.update(kind, toolCallId=call, **members)

    def begin(self, prompt: str) -> None:
        """Begin a turn."""
        self.event("_torpor/turn_started", turnId="t")
        self.say(prompt, "user_message_chunk")

    def end(self, reason: str | None = "end_turn", **members: Any) -> None:
        """End it."""
        self.event("_torpor/turn_ended", turnId="t", stopReason=reason, end="stopped", **members)
