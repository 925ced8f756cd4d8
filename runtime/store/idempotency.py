"""The prompts that clients have sent before: idempotency keys, and the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from runtime.store.sql import json_text, run

if TYPE_CHECKING:
    from runtime.store.reading import Reader
    from runtime.store.writer import Then, Writer


@attrs.frozen
class IdempotencyRecord:
    """A key that was used."""

    content_hash: bytes
    """The hash of the prompt's content; the caller chooses the function."""
    result: Any
    """The answer, a JSON value; None while there is none."""


class Idempotency:
    """Idempotency keys by the session's row id; they go when the session is destroyed."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    def get(self, session: int, key: str) -> IdempotencyRecord | None:
        """The record of `key`, None if it was never used."""
        row = self._reader.one(
            "SELECT content_hash, result FROM idempotency WHERE session = ? AND key = ?", (session, key)
        )
        return (
            None if row is None else IdempotencyRecord(row[0], None if row[1] is None else msgspec.json.decode(row[1]))
        )

    def put(self, session: int, key: str, content_hash: bytes, result: Any = None, then: Then | None = None) -> None:
        """Submit that `key` came with this content. Once the prompt is answered, `result` is the answer (a JSON value)."""
        answer = None if result is None else json_text(result)

        sql = "INSERT OR REPLACE INTO idempotency (session, key, content_hash, result) VALUES (?, ?, ?, ?)"
        self._writer.submit(
            lambda connection: run(connection, sql, session, key, content_hash, answer),
            then,
            size=0 if answer is None else len(answer),
        )
