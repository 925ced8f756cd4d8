"""Characters that an agent has cut in two: the first half ends one chunk of a message, the other half begins the next.

Agents that pass on a model's deltas cut them where the model's server did, in places by UTF-16 units, or by bytes. What is
recorded and told has whole characters: the first half is held back, and comes with the second. A half whose other half does
not come is U+FFFD, in an update of its own before what comes instead; nothing else waits for it.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any, Final

import attrs

from runtime.acp.codec import Notification
from runtime.acp.messages import CHUNKS, SESSION_UPDATE, text_of, update_kind
from runtime.text import REPLACEMENT, whole

if TYPE_CHECKING:
    from runtime.acp.codec import Frame

_HIGH: Final = ("\ud800", "\udbff")
"""The first and the last of the surrogates that a character's first half is."""


class Halves:
    """Makes whole what comes from one agent; nearly all frames pass as they are."""

    def __init__(self) -> None:
        self._held: Notification | None = None
        self._half: str | bytes = ""

    def take(self, frame: Frame) -> list[Frame]:
        """Take the next frame; return what there is to know of by now."""
        if self._held is None:
            return self._cut(frame, frame.torn_text) if isinstance(frame, Notification) and frame.torn_text else [frame]
        key = _key(frame)
        if isinstance(frame, Notification) and key is not None and key == _key(self._held):
            text = text_of(frame.params["update"]) if frame.torn_text is None else frame.torn_text
            if not text:
                return []
            self._held = None
            return self._cut(frame, _joined(self._half, text))
        if isinstance(frame, Notification) and key is None and frame.method == SESSION_UPDATE:
            return [frame]  # tool calls, plans and the like may come between the chunks of a message
        return [*self.finish(), *self.take(frame)]

    def finish(self) -> list[Frame]:
        """Nothing more belongs to what is held: return what it has become."""
        held, self._held = self._held, None
        return [] if held is None else [_with_text(held, REPLACEMENT)]

    def _cut(self, frame: Notification, text: str | bytes) -> list[Frame]:
        told, half = _without_half(text)
        if half:
            self._held, self._half = frame, half
        return [_with_text(frame, told)] if told else []


def _without_half(text: str | bytes) -> tuple[str, str | bytes]:
    """The whole characters of a chunk, and what there is at its end of one whose rest may come."""
    if isinstance(text, bytes):
        told, used = codecs.utf_8_decode(text, "replace", False)
        return told, text[used:]
    half = text[-1:] if _HIGH[0] <= text[-1:] <= _HIGH[1] else ""
    return whole(text.removesuffix(half)), half


def _joined(half: str | bytes, text: str | bytes) -> str | bytes:
    if isinstance(half, str) and isinstance(text, str):
        return half + text
    if isinstance(half, bytes) and isinstance(text, bytes):
        return half + text
    return REPLACEMENT + text if isinstance(text, str) else REPLACEMENT.encode() + text


def _key(frame: Frame) -> tuple[Any, ...] | None:
    """What is the same for all chunks of one message; None for what is no chunk of text."""
    if not isinstance(frame, Notification) or frame.method != SESSION_UPDATE or not _is_text_chunk(frame.params):
        return None
    return frame.params.get("sessionId"), update_kind(frame.params), frame.params["update"].get("messageId")


def _is_text_chunk(params: Any) -> bool:
    """Whether a `session/update` with these params is a piece of a message's text."""
    content = params["update"].get("content") if update_kind(params) in CHUNKS else None
    return isinstance(content, dict) and content.get("type") == "text" and isinstance(content.get("text"), str)


def _with_text(frame: Notification, text: str) -> Notification:
    update = frame.params["update"]
    update = {**update, "content": {**update["content"], "text": text}}
    return attrs.evolve(frame, params={**frame.params, "update": update}, torn_text=None)
