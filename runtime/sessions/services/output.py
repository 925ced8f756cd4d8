"""Output of a process, as it is kept and as it is told piece by piece."""

from __future__ import annotations

import codecs
from collections import deque
from typing import Final

_CONTINUATION: Final = range(0x80, 0xC0)


class Output:
    """The last `limit` bytes of a stream; never starts inside a UTF-8 sequence."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """May be lowered at any time; output beyond it is dropped when the next bytes come."""
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self.total = 0
        """Bytes written so far."""
        self.truncated = False

    def __len__(self) -> int:
        return min(self._size, self.limit)

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self._pieces.append(data)
        self._size += len(data)
        self.total += len(data)
        while self._size - len(self._pieces[0]) >= self.limit and len(self._pieces) > 1:
            self._size -= len(self._pieces.popleft())
            self.truncated = True
        self.truncated |= self._size > self.limit

    def data(self) -> bytes:
        """The output that is kept."""
        data = b"".join(self._pieces)
        if len(data) > self.limit:
            data = data[len(data) - self.limit :]
        if self.truncated:
            start = 0
            while start < min(3, len(data)) and data[start] in _CONTINUATION:  # RFC 3629: at most three
                start += 1
            data = data[start:]
        return data

    def tail(self, limit: int) -> tuple[str, bool]:
        """At most `limit` bytes of the end, as text, and whether there was more."""
        data = self.data()
        if len(data) <= limit:
            return data.decode("utf-8", "replace"), self.truncated
        end = Output(limit)
        end.write(data)
        return end.text(), True

    def text(self) -> str:
        """The output that is kept, as text."""
        return self.data().decode("utf-8", "replace")


class Characters:
    """Cuts a stream that comes in pieces between its UTF-8 characters."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes held back before and the next ones, without an incomplete character at the end."""
        data = self._held + data
        _, whole = codecs.utf_8_decode(data, "ignore", False)
        self._held = data[whole:]
        return data[:whole]

    def rest(self) -> bytes:
        """The bytes that are still held back, at the end of the stream."""
        held, self._held = self._held, b""
        return held
