"""File names of what belongs to one test: its golden transcript, its report. No two tests share one.

The id of a test may have any character, and be of any length; a file system may take `A` for `a`. So a name is the id
itself only where that is plain: small letters, digits and underscores. All others end in a digest of the id.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MAX_NAME: Final = 120
"""Characters of a file's name that come from the test's."""

DIGEST_CHARACTERS: Final = 12
"""Of a SHA-256 in hexadecimal: the ids of a million tests are different by it."""

_PLAIN: Final = re.compile(r"([a-z0-9_]+)\.py::([a-z0-9_]+)")


def unique_name(test: str) -> str:
    """A file name, without suffix, that only this test has: of its id, `FILE::NAME`."""
    plain = _PLAIN.fullmatch(test)
    if plain is not None and len(test) <= MAX_NAME:
        return ".".join(plain.groups())
    digest = hashlib.sha256(test.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_CHARACTERS]
    return f"{_readable(test)[:MAX_NAME].rstrip('-.')}-{digest}"


def former_name(test: str) -> str:
    """The name that golden files had when tests could share one."""
    return _readable(test.rpartition("/")[2].rpartition("::")[2])[-MAX_NAME:]


def write_whole(path: Path, text: str) -> None:
    """Write a file, with its directory, so that nobody ever reads half of it, whoever writes it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".torpor-{secrets.token_hex(8)}")
    try:
        beside.write_text(text, "utf-8", "surrogatepass")
        os.replace(beside, path)  # noqa: PTH105 - Path.replace is the same
    finally:
        beside.unlink(missing_ok=True)


def _readable(test: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", test).strip("-.")
