"""JSON of many MiB, read and written in small steps, so that nobody else waits for it.

A decoder is one call: 30 MiB of text take it 15 ms, ten million empty lists two seconds, and no thread helps, since it holds
the interpreter's lock. So a large line is looked through first, piece by piece. Its long strings are cut out and decoded in
pieces as well; what is left, with a mark for each of them, is a small JSON text, or the line has more members than any
message needs and is refused. Writing is the same the other way round: parts of at most a few hundred KiB. Where bytes are to
be one after all, a thread copies them: that it does without the lock.

Everything here gives the other tasks their turn between two pieces. Cancelling leaves nothing behind.
"""

from __future__ import annotations

import binascii
import codecs
import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec
import trio

from runtime.api.content import as_content
from runtime.wire_json import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runtime.api.content import Bytes, Content

SMALL_BYTES: Final = 64 * 1024
"""JSON up to this size is read and written in one step: at worst, of nothing but empty lists, some 4 ms."""

PIECE_BYTES: Final = 96 * 1024
"""Looked through, decoded or encoded in one step: 0.1 ms; divisible by three, for base64."""

_LOOK: Final = 100
"""What a look at one string counts for in these bytes: as much as it takes."""

_PART_COST: Final = 1024
"""What a part that is written counts for besides its bytes: 1 us or two."""

CUT_BYTES: Final = 128
"""Strings from this length on are cut out: a mark is no longer than a fifth of it."""

STEP_BYTES: Final = 256 * 1024
"""Of a file, decoded in one step: a quarter of a millisecond."""

MAX_ITEMS: Final = 50_000
"""Members and items of one large message: `writeFiles` with all the files that it takes has 40,000."""

MAX_REST_BYTES: Final = 4 * 1024 * 1024
"""What may be left of a message without its long strings: all the items above, each with a short string."""

JOINED_AT_ONCE: Final = 1024 * 1024
"""Bytes: 0.1 ms; and below it Python does not let go of its lock."""

_JOINS: Final = trio.CapacityLimiter(2)
"""Threads: copying is what memory is slow at."""

_STRING: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)

_CHARACTERS: Final = re.compile(
    rb"[^\\]*+(?:\\(?:[^u]|u(?![dD][89abAB])[0-9a-fA-F]{4}|u[dD][89abAB][0-9a-fA-F]{2}"
    rb"(?:\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?=.{6})))[^\\]*+)*+",
    re.DOTALL,
)
"""The same in whole characters: neither an escape nor a pair of surrogates is left in its middle, and half a pair is
taken only where what follows can be seen not to be the other half."""

_QUOTE: Final = ord('"')
_BACKSLASH: Final = ord("\\")
_CONTINUATION: Final = range(0x80, 0xC0)


class TooManyItemsError(ValueError):
    """The JSON has more members than any message needs."""


@attrs.frozen
class Shortened:
    """A large JSON text without its long strings."""

    rest: bytes
    """The text, with a mark in place of each of them."""
    strings: dict[str, list[str]]
    """Mark -> string, in pieces."""

    def text(self, value: Any) -> Any:
        """The string that a mark stands for; any other value is itself."""
        return "".join(self.strings[value]) if isinstance(value, str) and value in self.strings else value

    async def filled(self, value: Any, *, unpack: bool = False) -> Any:
        """The value that `rest` was read as, with the strings in their places; `unpack`: with bytes for each
        `{"base64": "..."}` in it that is such. Raises RecursionError.
        """
        return await self._filled(value, _Steps(), unpack)

    async def _filled(self, value: Any, steps: _Steps, unpack: bool) -> Any:
        if isinstance(value, list):
            return [await self._filled(item, steps, unpack) for item in value]
        if isinstance(value, dict):
            if unpack and len(value) == 1 and isinstance(text := value.get("base64"), str):
                data = await _from_base64(self.strings.get(text, [text]), steps)
                return {"base64": self.text(text) if data is None else data}
            return {self.text(key): await self._filled(item, steps, unpack) for key, item in value.items()}
        await steps.did(_LOOK)
        return self.text(value)


class _Steps:
    """Counts what is done, and lets the others have their turn when that was enough."""

    def __init__(self) -> None:
        self._left = PIECE_BYTES

    async def did(self, size: int) -> None:
        self._left -= size
        if self._left <= 0:
            self._left = PIECE_BYTES
            await trio.lowlevel.checkpoint()


async def shortened(line: bytes | bytearray, read: Callable[[bytes], str]) -> Shortened:
    """Cut the long strings out of a line; `read` reads a JSON string, and may mend it.

    Raises TooManyItemsError, and what `read` raises. A line that is no JSON stays one in `rest`.
    """
    steps, token = _Steps(), secrets.token_hex(8)  # nobody can write a mark who does not know this
    kept: list[bytes | bytearray] = []
    strings: dict[str, list[str]] = {}
    items = at = start = rest = 0
    while at < len(line):
        stop = min(at + PIECE_BYTES, len(line))
        quote = line.find(b'"', at, stop)
        end = stop if quote < 0 else quote
        items += line.count(b",", at, end) + line.count(b"[", at, end) + line.count(b"{", at, end)
        rest += end - at
        if items > MAX_ITEMS or rest > MAX_REST_BYTES:
            raise TooManyItemsError(
                f"a message of more than {SMALL_BYTES} bytes has at most {MAX_ITEMS} members and items"
            )
        await steps.did(end - at + _LOOK)
        at = end
        if quote < 0:
            continue
        at = await _string_end(line, quote + 1, steps)
        if at - quote <= CUT_BYTES:
            rest += at - quote
        else:
            mark = f"{token}{len(strings)}"
            strings[mark] = await _pieces(line, quote + 1, at, read, steps)
            kept += line[start:quote], b'"%s' % mark.encode()
            start = at
        at += 1
    return Shortened(b"".join([*kept, line[start:]]), strings)


async def _string_end(line: bytes | bytearray, at: int, steps: _Steps) -> int:
    """Where the string ends that begins at `at`: at its quote, or at the end of the line."""
    end = line.find(b'"', at, at + CUT_BYTES)
    if end >= 0 and line[end - 1] != _BACKSLASH:
        return end
    while at < len(line):
        match = _STRING.match(line, at, at + PIECE_BYTES)
        end = len(line) if match is None else match.end()
        await steps.did(end - at)
        if end < len(line) and line[end] == _QUOTE:
            return end
        if end == at:  # a backslash at the very end
            break
        at = end
    return len(line)


async def _pieces(line: bytes | bytearray, at: int, end: int, read: Callable[[bytes], str], steps: _Steps) -> list[str]:
    pieces: list[str] = []
    while at < end:
        stop = min(at + PIECE_BYTES, end)
        if stop < end:
            match = _CHARACTERS.match(line, at, stop)
            stop = stop if match is None or match.end() == at else match.end()
            while stop > at + 1 and line[stop] in _CONTINUATION:
                stop -= 1
        pieces.append(read(b'"%s"' % line[at:stop]))
        await steps.did(stop - at)
        at = stop
    return pieces


async def _from_base64(texts: list[str], steps: _Steps) -> bytes | None:
    """The bytes, None if it is no base64 (RFC 4648, section 4)."""
    pieces: list[bytes] = []
    rest = ""
    for number, more in enumerate(texts, 1):
        text = rest + more
        whole = len(text) if number == len(texts) else len(text) // 4 * 4
        text, rest = text[:whole], text[whole:]
        try:
            pieces.append(binascii.a2b_base64(text, strict_mode=True))
        except ValueError:
            return None
        if len(pieces[-1]) * 4 != whole * 3 and number < len(texts):  # padding in the middle
            return None
        await steps.did(whole + _LOOK)
    return await one(pieces)


async def content_bytes(content: str | Bytes) -> bytes:
    """What a client has sent in either form, in small steps. Raises UnicodeEncodeError for halves of characters."""
    if not isinstance(content, str):
        return content.base64
    if len(content) <= SMALL_BYTES:
        return content.encode()
    steps, pieces = _Steps(), []
    for at in range(0, len(content), PIECE_BYTES):
        pieces.append(content[at : at + PIECE_BYTES].encode())
        await steps.did(PIECE_BYTES)
    return await one(pieces)


async def one(pieces: Sequence[bytes]) -> bytes:
    """The pieces as one, and nobody waits for it. When it is cancelled, nothing has happened."""
    if len(pieces) == 1:
        return pieces[0]
    if sum(map(len, pieces)) < JOINED_AT_ONCE:
        return b"".join(pieces)
    return await trio.to_thread.run_sync(b"".join, pieces, limiter=_JOINS)


async def parts(value: Any) -> list[bytes]:
    """JSON in parts, to be written one after another: as `encoded` writes it in one. Raises what that raises."""
    written = _Parts()
    await written.write(value)
    return written.found


async def sha256(value: Any) -> bytes:
    """SHA-256 of a JSON value: equal for values that differ only in the order of members."""
    written = _Parts(in_order=True)
    await written.write(value)
    steps, digest = _Steps(), hashlib.sha256()
    for part in written.found:
        digest.update(part)
        await steps.did(len(part) + _LOOK)
    return digest.digest()


def is_small(value: Any, limit: int = SMALL_BYTES) -> bool:
    """Whether JSON of the value has about `limit` bytes at most; costs no more than writing that much."""
    return _left(value, limit) >= 0


def _left(value: Any, left: int) -> int:
    """How much of `left` remains beside the value; below zero when it is too large."""
    left -= _LOOK
    if isinstance(value, str | bytes):
        return left - len(value)
    if isinstance(value, msgspec.Raw):
        return left - memoryview(value).nbytes
    if isinstance(value, dict):
        members: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list | tuple):
        members = (("", item) for item in value)
    elif isinstance(value, msgspec.Struct):
        members = ((name, getattr(value, name)) for name in value.__struct_fields__)
    else:
        return left
    for name, item in members:
        left = _left(item, left - len(name) if isinstance(name, str) else left)
        if left < 0:
            break
    return left


class _Parts:
    """JSON that is being written; `in_order`: with the members of each object in the order of their names."""

    def __init__(self, *, in_order: bool = False) -> None:
        self.found: list[bytes] = []
        self._in_order = in_order
        self._steps = _Steps()

    async def write(self, value: Any) -> None:
        """Write one value."""
        if not value or is_small(value, PIECE_BYTES):
            await self._add(self._encoded(value))
        elif isinstance(value, str):
            await self._add(b'"')
            for at in range(0, len(value), PIECE_BYTES):
                await self._add(self._encoded(value[at : at + PIECE_BYTES])[1:-1])
            await self._add(b'"')
        elif isinstance(value, bytes):
            await self._add(b'"')
            for at in range(0, len(value), PIECE_BYTES):
                await self._add(binascii.b2a_base64(value[at : at + PIECE_BYTES], newline=False))
            await self._add(b'"')
        elif isinstance(value, dict):
            await self._steps.did(PIECE_BYTES)  # to find that it is not small
            await self._members(value)
        elif isinstance(value, list | tuple):
            await self._steps.did(PIECE_BYTES)
            await self._items(value)
        else:
            await self._add(self._encoded(value))

    async def _members(self, value: dict[Any, Any]) -> None:
        head = b"{"
        for key, item in sorted(value.items()) if self._in_order else value.items():
            await self._add(head + self._encoded(key) + b":")
            await self.write(item)
            head = b","
        await self._add(b"}")

    async def _items(self, values: list[Any] | tuple[Any, ...]) -> None:
        head, group, left = b"[", [], PIECE_BYTES
        for item in values:
            left = _left(item, left)
            if left >= 0:
                group.append(item)
                continue
            if group:
                await self._add(head + self._encoded(group)[1:-1], PIECE_BYTES)
                head = b","
            await self._add(head)
            await self.write(item)
            head, group, left = b",", [], PIECE_BYTES
        if group:
            await self._add(head + self._encoded(group)[1:-1])
        await self._add(b"]")

    async def _add(self, part: bytes, work: int = _PART_COST) -> None:
        """Add a part; `work`: what making it counts for besides its bytes."""
        self.found.append(part)
        await self._steps.did(len(part) + work)

    def _encoded(self, value: Any) -> bytes:
        return msgspec.json.encode(value, order="sorted") if self._in_order else encoded(value)


async def large_content(data: bytes, encoding: str | None = None) -> Content:
    """As `runtime.api.content.as_content`, in small steps."""
    if encoding == "base64" or len(data) <= STEP_BYTES:
        return as_content(data, encoding)
    decoder = codecs.getincrementaldecoder("utf-8")()
    texts: list[str] = []
    try:
        for at in range(0, len(data), STEP_BYTES):
            texts.append(decoder.decode(data[at : at + STEP_BYTES]))
            await trio.lowlevel.checkpoint()
        texts.append(decoder.decode(b"", True))
    except UnicodeDecodeError:
        return {"base64": data}
    return "".join(texts)
