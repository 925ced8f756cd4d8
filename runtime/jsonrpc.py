"""JSON-RPC 2.0 as lines of bytes: how a stream is cut into them, the codes of errors, and how a message becomes one.

For both sides of every connection: agents, clients, editors, MCP servers. What is particular to one of them (which messages
are accepted, what is said to the others) is with it; reading large lines in small steps is in `runtime.large_json`, and what
is meant by text that is not whole in `runtime.text`. No I/O, and only the standard library: commands read with this, too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603

REQUEST_CANCELLED: Final = -32800
"""Of the Language Server Protocol, and of ACP."""

AUTH_REQUIRED: Final = -32000
"""Of ACP; servers may use it for anything."""

RESOURCE_NOT_FOUND: Final = -32002
"""Of ACP."""

HEAD: Final = 500
"""Bytes kept of a line that is too long: enough to recognise it by, and its id may be among them."""

_SPACE: Final = 32
"""The highest code of white space."""

LONG: Final = 64 * 1024
"""Bytes up to which a line is put together here. What has come of a longer one is kept in pieces of about this size: a buffer
that grows is copied each time it has to move."""


class TooLong(NamedTuple):
    """Stands for a line that was longer than the limit. Its content was dropped as it came."""

    size: int
    """Bytes of the whole line."""
    head: bytes
    """How it begins."""


class Long(NamedTuple):
    """A line of more than `LONG` bytes, not put together yet: where others wait, that is not done in one step."""

    pieces: list[bytes]


Line: TypeAlias = "bytes | Long | TooLong"


class Lines:
    """Cuts a stream of bytes into lines. Blank lines are skipped, and white space at the end of a line is taken off, if short.

    Holds one line of at most `limit` bytes, and what `push` was given last.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunk = b""
        self._at = 0  # where the next line begins in the chunk
        self._pieces: list[bytes] = []  # of a line that goes on
        self._begun = bytearray()  # behind those pieces
        self._size = 0  # bytes of it so far
        self._head = b""  # once it is too long

    @property
    def held(self) -> int:
        """Bytes held of lines that have not been returned."""
        return (0 if self.dropping else self._size) + len(self._chunk) - self._at

    @property
    def dropping(self) -> bool:
        """Whether the line that is coming in is too long already."""
        return self._size > self._limit

    def push(self, data: bytes | bytearray) -> None:
        """Take the next bytes, any cut. A newline at the end of the stream completes its last line."""
        self._chunk = self._chunk[self._at :] + data
        self._at = 0

    def __iter__(self) -> Iterator[Line]:
        """Iterate over the lines that are complete. A loop that is left early loses nothing."""
        chunk, short = self._chunk, min(LONG, self._limit)
        while (end := chunk.find(b"\n", self._at)) >= 0:
            line = chunk[self._at : end]
            self._at = end + 1
            if self._size or len(line) > short:
                self._gather(line)
                yield from self._gathered()
            elif line and (line[-1] > _SPACE or (line := line.rstrip())):
                yield line
        rest, self._chunk, self._at = chunk[self._at :], b"", 0
        self._gather(rest)

    def _gather(self, data: bytes) -> None:
        """Keep some more of a line, or, if it is too long, only how it begins."""
        self._size += len(data)
        if self.dropping:
            known = b"".join([self._head, *self._pieces[:1], self._begun[:HEAD]])
            self._head = (known + data[:HEAD])[:HEAD]
            self._pieces.clear()
            self._begun.clear()
            return
        self._begun += data
        if len(self._begun) > LONG:
            self._pieces.append(bytes(self._begun))
            self._begun.clear()

    def _gathered(self) -> Iterator[Line]:
        """Yield the line that has been gathered; the next one begins."""
        size, head, pieces, last = self._size, self._head, self._pieces, bytes(self._begun)
        self._size, self._head, self._pieces = 0, b"", []
        self._begun.clear()
        if size > self._limit:
            yield TooLong(size, head)
        elif size > LONG:
            yield Long([*pieces, last])
        elif line := last.rstrip():
            yield line


def joined(line: bytes | Long) -> bytes:
    """Return a line in one piece."""
    return b"".join(line.pieces) if isinstance(line, Long) else line


def encode(message: dict[str, Any], whole: Callable[[str], str] = str) -> bytes:
    """Return a message as a line. `whole` may mend the text; UnicodeEncodeError for what UTF-8 cannot carry even so."""
    text = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, separators=(",", ":"))
    return whole(text).encode() + b"\n"
