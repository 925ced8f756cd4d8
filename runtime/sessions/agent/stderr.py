"""An agent's stderr: bounded on its way into the transcript, and a tail of it for error messages."""

from __future__ import annotations

import codecs
from collections import deque
from typing import Final

BURST_BYTES: Final = 256 * 1024
"""How much may come at once: more than any stack trace."""

BYTES_PER_SECOND: Final = 16 * 1024
"""What may come for ever: a chatty log; a guest that writes in a loop fills the disk at this rate and no faster."""

TAIL_LINES: Final = 20
"""The tail goes into errors that people read: a screenful."""

TAIL_COLUMNS: Final = 400
"""Characters of a line of the tail: none scrolls the others away."""


class Stderr:
    """Takes bytes, gives the text to record. Times are trio's, in seconds, and only compared with one another."""

    def __init__(self, now: float) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._line = ""
        self._budget = float(BURST_BYTES)
        self._time = now
        self._dropped = 0

    @property
    def tail(self) -> str:
        """The last lines, whether they were recorded or not."""
        return "\n".join([*self._lines, self._line] if self._line else self._lines)

    def feed(self, data: bytes, now: float) -> tuple[str, int] | None:
        """The text to record and the bytes left out before it, or None when there is nothing to record now."""
        text = self._decoder.decode(data)
        *complete, last = (self._line + text).split("\n")
        self._lines.extend(line.rstrip("\r")[:TAIL_COLUMNS] for line in complete)
        self._line = last[:TAIL_COLUMNS]
        self._budget = min(BURST_BYTES, self._budget + (now - self._time) * BYTES_PER_SECOND)
        self._time = now
        if not text:
            return None
        if len(data) > self._budget:
            self._dropped += len(data)
            return None
        self._budget -= len(data)
        dropped, self._dropped = self._dropped, 0
        return text, dropped
