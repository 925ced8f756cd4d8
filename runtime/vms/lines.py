"""Some lines of a text that comes in pieces."""

from __future__ import annotations

import attrs


@attrs.define
class Lines:
    """Keeps `limit` lines (None: all) from the line `first` on, which counts from 1. A line ends with a newline alone.

    A piece takes time by its size, whatever is in it.
    """

    _skip: int
    _left: int | None
    _kept: list[bytes] = attrs.field(factory=list, init=False)
    size: int = attrs.field(default=0, init=False)
    """Bytes kept so far."""

    @classmethod
    def of(cls, first: int | None, limit: int | None) -> Lines:
        """Lines as ACP's `fs/read_text_file` names them: both may be left out."""
        return cls(max(0, (first or 1) - 1), limit)

    @property
    def wanted(self) -> bool:
        """Whether there is to be more."""
        return self._left is None or self._left > 0

    @property
    def content(self) -> bytes:
        """The lines that were kept."""
        return b"".join(self._kept)

    def take(self, piece: bytes) -> None:
        """Take the next piece of the text, any cut."""
        start = 0
        if self._skip:
            count = piece.count(b"\n")
            if count < self._skip:
                self._skip -= count
                return
            start, self._skip = _behind(piece, self._skip, 0), 0
        if self._left is None:
            end = len(piece)
        else:
            count = piece.count(b"\n", start)
            end = len(piece) if count < self._left else _behind(piece, self._left, start)
            self._left -= min(count, self._left)
        self._kept.append(piece[start:end])
        self.size += end - start


def _behind(text: bytes, number: int, start: int) -> int:
    """Where the text goes on behind the newline `number` (from 1) after `start`: halves are counted, newlines not visited."""
    if not number:
        return start
    low, high = start, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        count = text.count(b"\n", low, middle)
        if count < number:
            low, number = middle, number - count
        else:
            high = middle
    return high
