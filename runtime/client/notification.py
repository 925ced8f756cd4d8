"""Notifications of the daemon."""

from __future__ import annotations

from typing import Any, NamedTuple


class Notification(NamedTuple):
    """Something that happened: `method` is `sessionEvent`, `permissionRequest`, `vmState`, ...; `params` as it was sent."""

    method: str
    params: dict[str, Any]

    @property
    def session_id(self) -> str | None:
        """The session that it is about, None if it is about the VM."""
        return self.params.get("sessionId")

    @property
    def seq(self) -> int | None:
        """The position in the session's transcript, of a `sessionEvent`."""
        return self.params.get("seq")

    @property
    def type(self) -> str | None:
        """The type of a `sessionEvent`: ACP's name of the update (`agent_message_chunk`), else the event's method."""
        event = self.params.get("event")
        if not isinstance(event, dict):
            return None
        if event.get("method") == "session/update":
            return self._update().get("sessionUpdate")
        return event.get("method")

    @property
    def text(self) -> str:
        """The text of a message's or a thought's chunk, "" for all else."""
        content = self._update().get("content")
        text = content.get("text") if isinstance(content, dict) else None
        return text if isinstance(text, str) else ""

    def _update(self) -> dict[str, Any]:
        update = ((self.params.get("event") or {}).get("params") or {}).get("update")
        return update if isinstance(update, dict) else {}
