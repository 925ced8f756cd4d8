"""Golden transcripts: what a session said and did, as a file beside the test, stable from run to run.

Ids, times and ports are replaced. Left out is what may come sooner or later than the rest, or varies with what the test is
not about: requests to the model, usage, and output on stderr.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

import attrs

from runtime.testing import transcript
from runtime.testing.names import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runtime.testing.transcript import Entry

_IDS: Final = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"  # UUIDs
    r"|\b[a-z]+_scripted\d+\b"  # the scripted model's
)
_TIMES: Final = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?")

_EPOCHS: Final = re.compile(r"\b1[6-9]\d{11}\b")
"""Milliseconds, from 2020 to 2033."""

_PORTS: Final = re.compile(r"\b(127\.0\.0\.1|localhost):\d+\b")


@attrs.frozen
class Golden:
    """Where the golden files of a test are."""

    directory: Path
    name: str
    """That of the file, where the test gives none."""
    update: bool
    """Write them."""
    former_name: str | None = None
    """What the file was called before, if it can be no other test's; it is compared with where there is no newer one."""
    written: dict[Path, str] = attrs.field(factory=dict)
    """What this run has written so far, by all its tests."""

    def compare(self, entries: Iterable[Entry], name: str | None) -> None:
        """Compare with the file, or write it. Raises AssertionError with the difference."""
        __tracebackhide__ = True
        path = self.directory / f"{name or self.name}.txt"
        found = render(entries)
        if self.update:
            if self.written.setdefault(path, found) != found:
                raise AssertionError(
                    f"{path} was written before in this run, with another transcript: give one another name"
                )
            write_whole(path, found)
            return
        if name is None and self.former_name is not None and not path.is_file():
            former = self.directory / f"{self.former_name}.txt"
            path = former if former.is_file() else path
        if not path.is_file():
            raise AssertionError(f"there is no golden transcript {path}; --torpor-update writes it:\n{found}")
        wanted = path.read_text("utf-8", "surrogatepass")
        if found != wanted:
            lines = difflib.unified_diff(wanted.splitlines(), found.splitlines(), str(path), "this run", lineterm="")
            shown = "\n".join(lines)
            raise AssertionError(f"the transcript is not as in {path.name}; --torpor-update accepts it:\n{shown}")


def render(entries: Iterable[Entry]) -> str:
    """Return the entries as text that is the same from run to run."""
    text = "\n".join(transcript.line(entry) for entry in entries if entry.kind not in transcript.BESIDE)
    return f"{normalised(text)}\n"


def normalised(text: str) -> str:
    """Return the text with ids numbered by their first appearance, and times and loopback ports taken out."""
    known: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return known.setdefault(match.group(), f"<id {len(known) + 1}>")

    text = _IDS.sub(number, text)
    text = _TIMES.sub("<time>", text)
    text = _EPOCHS.sub("<time>", text)
    return _PORTS.sub(r"\1:<port>", text)
