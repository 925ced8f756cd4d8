"""A transcript as Markdown, for an agent that must go on with a conversation that it did not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from runtime.acp.messages import text_of

if TYPE_CHECKING:
    from runtime.store.store import Store

MAX_THREAD: Final = 4 * 1024 * 1024
"""Bytes of the file; of longer conversations the end is kept. No model's context holds a quarter of it."""

_TYPES: Final = ("user_message_chunk", "agent_message_chunk", "tool_call")

_PAGE_BYTES: Final = 4 * 1024 * 1024
"""Of events read at a time: as much as the file may have in the end."""


class Thread:
    """Collects a conversation, one event after another."""

    def __init__(self, title: str) -> None:
        self._head = f"# {title}\n"
        self._parts: list[str] = []
        self._size = 0
        self._speaker = ""
        self._cut = False

    def add(self, update: dict[str, Any]) -> None:
        """Take one update of the types in `_TYPES`."""
        kind = update.get("sessionUpdate")
        if kind == "tool_call":
            self._write(f"\n- Tool: {update.get('title', '')} ({update.get('kind', 'other')})\n")
            self._speaker = ""
            return
        speaker = "User" if kind == "user_message_chunk" else "Agent"
        if speaker != self._speaker:
            self._write(f"\n\n## {speaker}\n\n")
            self._speaker = speaker
        content = update.get("content")
        described = content.get("uri") or content.get("type") if isinstance(content, dict) else None
        self._write(text_of(update) or f"[{described}]")

    def text(self) -> bytes:
        """The Markdown."""
        data = "".join(self._parts).encode()
        cut = self._cut or len(data) > MAX_THREAD
        notice = "\n(The beginning has been left out.)\n" if cut else ""
        return (self._head + notice + data[-MAX_THREAD:].decode("utf-8", "ignore") + "\n").encode()

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._size += len(text)
        if self._size > 2 * MAX_THREAD:
            kept = "".join(self._parts)[-MAX_THREAD:]
            self._parts, self._size, self._cut = [kept], len(kept), True


async def render_thread(store: Store, row: int, session_id: str) -> bytes:
    """The transcript of the session with that row id."""
    thread = Thread(f"Session {session_id}")
    after: int | None = None
    while events := await store.transcript.history(row, after=after, types=_TYPES, max_bytes=_PAGE_BYTES):
        for event in events:
            update = msgspec.json.decode(event.body)["params"].get("update")
            if isinstance(update, dict):
                thread.add(update)
        after = events[-1].seq
    return thread.text()
