"""The two ways in which the modules of this package call SQLite, and the forms that lists and JSON take there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.wire_json import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw


def rows(connection: apsw.Connection, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a query: read to its end, so that it holds no snapshot of the file any longer."""
    return connection.execute(sql, parameters).fetchall()


def run(connection: apsw.Connection, sql: str, *parameters: Any) -> None:
    """Run a statement that has no rows."""
    connection.execute(sql, parameters)


def json_text(value: Any) -> str:
    """`value` as JSON. Lists go into a statement like this, and come out by json_each: one step, whatever their length."""
    return encoded(value).decode()


def placeholders(count: int) -> str:
    """`(?, ?, …)`: so many parameters, for an IN."""
    return f"({', '.join('?' * count)})"
