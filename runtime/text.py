"""Text that is not whole, and what is made of it: the one rule for all that is read from agents, clients, editors and models.

JSON can say what UTF-8 cannot: `"\\ud83d"` is half of a character (RFC 8259, 8.2). Programs write it when they cut a string by
its UTF-16 units. Such a half becomes U+FFFD, as everywhere on the Web (WebIDL's USVString); a message is never dropped for it.
That is `mended`, for lines that are JSON. What is no JSON, but only for its text or its numbers, can still be read by
`read_anyway`: what a guest says so is taken, and what a client says so is refused under its own id. Of the rest `outline`
tells the members that can be known, so that nobody waits for an answer which will not be understood.

Only the standard library is used: commands read with this, too.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_ESCAPED_REPLACEMENT: Final = r"\\ufffd"
_BOM: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"

# These are for text in which each backslash begins an escape: `_escapes` makes it so.
_HIGH: Final = r"[89abAB][0-9a-fA-F]{2}"
_LOW: Final = r"[c-fC-F][0-9a-fA-F]{2}"
_LONE: Final = re.compile(rf"\\u[dD](?:{_HIGH}(?!\\u[dD]{_LOW})|{_LOW}(?<!\\u[dD]{_HIGH}\\u[dD]{_LOW}))")
_NO_ESCAPE: Final = re.compile(r'\\(?!["/bfnrt]|u[0-9a-fA-F]{4})(?:u[0-9a-fA-F]{0,3}|[^"])')

_STRING: Final = r'"(?:[^"\\]++|\\.)*+"'
_SCALAR: Final = rf"{_STRING}|-?[0-9][0-9.eE+-]*+|true|false|null"
_FIRST: Final = re.compile(rf"\s*+\{{?\s*+({_STRING})\s*+:\s*+({_SCALAR})\s*+[,}}]", re.DOTALL)
_LAST: Final = re.compile(r'[,{]\s*+("[a-z]{1,10}")\s*+:\s*+("[^"\\]{0,200}"|-?[0-9]{1,40})\s*+\}\s*+$')

_OUTLINED: Final = 16
"""Members looked at from the front: an envelope has four."""

_TAIL: Final = 300
"""Characters at the end, where the last member is looked for: an id and its name."""


def whole(text: str) -> str:
    """Return `text` with halves that stand side by side joined, and U+FFFD for each of the others."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def beginning(data: bytes, size: int) -> str:
    """Return what the first `size` bytes say, up to a character that they cut; U+FFFD for what is not UTF-8."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(data[:size], final=len(data) <= size)


def mended(line: bytes) -> bytes:
    """Return JSON with U+FFFD for each escape that is half of a character, and without a byte order mark.

    Raises UnicodeDecodeError for bytes that are not UTF-8.
    """
    return _LONE.sub(_ESCAPED_REPLACEMENT, _escapes(line.decode())).encode()


def decoded(line: bytes, decode: Callable[[bytes], T]) -> T:
    """Return `decode(line)`, of the mended line where it raises a ValueError for the line as it is. Raises what it raises."""
    try:
        return decode(line)
    except ValueError:
        again = mended(line)
        if again == line:
            raise
        return decode(again)


def read_anyway(line: bytes) -> Any:
    """Return what is meant by a line that may be JSON but for its text and numbers.

    U+FFFD stands for what is not UTF-8 and for what is no escape; surrogates that were encoded as if they were characters
    (CESU-8) are joined; control characters are taken as they are; NaN, infinities and numbers that no double or no integer of
    ours holds are null. Raises JSONDecodeError and RecursionError.
    """
    try:
        text = whole(line.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        text = line.decode("utf-8", "replace")
    text = _LONE.sub(_ESCAPED_REPLACEMENT, _NO_ESCAPE.sub(_ESCAPED_REPLACEMENT, _escapes(text)))
    read = partial(json.loads, text, strict=False, parse_constant=lambda _: None, parse_float=_finite)
    try:
        return read()
    except json.JSONDecodeError:
        raise
    except ValueError:  # Python has a limit on digits (sys.int_info)
        return read(parse_int=_integer)


def outline(line: bytes) -> dict[str, Any]:
    """Return those members of the object in a line that can be told without reading all of it.

    They are the first ones, up to one that is no string, number, boolean or null, and the last one. What follows them may
    be nested too deeply, be cut off, or be no JSON at all.
    """
    text = line.decode("utf-8", "replace").removeprefix(_BOM)
    found: dict[str, Any] = {}
    at = 0
    if text.lstrip().startswith("{"):
        for _ in range(_OUTLINED):
            match = _FIRST.match(text, at)
            if match is None:
                break
            at = match.end()
            found |= _member(*match.groups())
        if match := _LAST.search(text, max(at - 1, len(text) - _TAIL, 0)):
            found |= _member(*match.groups())
    return found


def _escapes(text: str) -> str:
    """Return the same JSON without byte order mark and escaped backslashes."""
    return text.removeprefix(_BOM).replace(r"\\", r"\u005c")


def _member(name: str, value: str) -> dict[str, Any]:
    try:
        return {whole(json.loads(name)): json.loads(value, parse_float=_finite)}
    except ValueError:  # a bad escape, or an integer of thousands of digits
        return {}


def _integer(digits: str) -> int | None:
    try:
        return int(digits)
    except ValueError:
        return None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
