"""What an exported VM may need of a daemon, beside what comes with Torpor: agents and commands that people have added.

A table that only exports have: it tells of the daemon that they come from, and is nothing to one that serves the file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from runtime.api.limits import MAX_AGENT_TYPE
from runtime.store.foreign import damaged
from runtime.store.inspection import SCHEMA_QUERY
from runtime.store.sql import rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

MAX_NEEDS: Final = 1000
"""Rows that are read of a file: 200 commands can be added to a daemon, and nobody has so many agents."""

_TABLE: Final = """\
CREATE TABLE need (
    kind TEXT NOT NULL CHECK (kind IN ('agent', 'command')),
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID, STRICT"""
_QUERY: Final = f"""\
SELECT kind, substr(name, 1, {MAX_AGENT_TYPE + 1}), substr(sha256, 1, 65) FROM need LIMIT {MAX_NEEDS}"""  # noqa: S608
"""All of them are had at once: no more of each is than what tells that it is too long."""
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class Need(NamedTuple):
    """An agent or a command, and the hash of its component."""

    kind: Literal["agent", "command"]
    name: str
    sha256: str


def write(connection: apsw.Connection, needs: Iterable[Need]) -> None:
    """Note these in a new export."""
    connection.execute(_TABLE)
    connection.executemany("INSERT INTO need (kind, name, sha256) VALUES (?, ?, ?)", needs)


def read(connection: apsw.Connection) -> list[Need]:
    """Those of a foreign file; none where it has no such table, as one that a daemon has served. ApiError STATE_CORRUPT."""
    if ("table", "need", "need", _TABLE) not in rows(connection, SCHEMA_QUERY):
        return []
    found = rows(connection, _QUERY)
    if any(len(name) > MAX_AGENT_TYPE or not _HASH.fullmatch(sha256) for _, name, sha256 in found):
        damaged("what it needs are no agents and commands")
    return [Need(*row) for row in found]
