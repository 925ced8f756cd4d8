"""Keeps the values of secrets out of transcripts and answers: each is replaced by `[redacted:NAME]`.

An agent may print what it was given, and the transcript holds what agents print. So every event is searched for the
session's secrets before it is stored, and so are the answers, errors and last words of its agent. What is found is the
value as it is, as JSON text has it, and each longer line of a value with several. What is not found: a value that an agent
sends in pieces (two chunks of a message), transforms (base64), or writes into a file of the VM.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

MIN_VALUE: Final = 6
"""Characters of the shortest value that is searched for: "1" or "true" would be found everywhere, and protect nobody."""

MIN_LINE: Final = 16
"""Characters of the shortest line of a value that is searched for by itself; those of PEM keys have 64."""

MAX_DEPTH: Final = 100
"""Levels of JSON that are searched one by one; what lies deeper is left out as a whole."""

_WORD: Final = re.compile(r"[A-Za-z]+")


class Redactor:
    """Knows the secrets of one session."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        markers: dict[str, str] = {}
        for name, value in secrets.items():
            lines = [line for line in value.splitlines() if len(line) >= MIN_LINE]
            for found in (value, value.strip(), *lines):
                if len(found) >= MIN_VALUE:
                    markers.setdefault(found, f"[redacted:{name}]")
                    markers.setdefault(_in_json(found), f"[redacted:{name}]")
        # The longest first: one secret may be the beginning of another.
        self._markers = sorted(markers.items(), key=lambda item: -len(item[0]))
        self._encoded = [_in_json(value).encode() for value in markers]
        self.longest = max(map(len, self._encoded), default=0)
        """Bytes of the longest value in JSON."""

    def found_in(self, json: bytes) -> bool:
        """Whether JSON as msgspec writes it may hold a secret; costs next to nothing where there are none."""
        return any(each in json for each in self._encoded)

    def text(self, text: str) -> str:
        """The text without the secrets."""
        for value, marker in self._markers:
            text = text.replace(value, marker)
        return text

    def value(self, value: Any, depth: int = 0) -> Any:
        """A JSON value without the secrets. Names of members that are plain words stay: they are the protocol's."""
        if not self._markers:
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth > MAX_DEPTH and isinstance(value, (dict, list, tuple)):
            return "[redacted]"
        if isinstance(value, dict):
            return {
                key if _WORD.fullmatch(key) else self.text(key): self.value(item, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.value(item, depth + 1) for item in value]
        return value


NOTHING: Final = Redactor({})
"""Of a session without secrets."""


def _in_json(value: str) -> str:
    return msgspec.json.encode(value).decode()[1:-1]
