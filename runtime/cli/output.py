"""What the command prints: text for people, JSON lines for programs, one-line messages on stderr."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime.client.sync import RpcError

_DIRECTIONS: Final = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Characters with which a text can be shown in another order than it has."""

_CONTROLS: Final = {
    code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160), *_DIRECTIONS) if code not in (9, 10)
}
"""Agents' words may hold escape sequences that redraw a terminal or answer in the user's name: only tab and newline pass."""

_MESSAGE_WIDTH: Final = 200
"""Characters of one message about what an agent does."""


def say(message: str) -> None:
    """Write a line for the user to stderr."""
    sys.stderr.write(f"torpor: {printable(message)}\n")
    sys.stderr.flush()


def printable(text: str) -> str:
    """Return `text` without control characters that a terminal would obey."""
    return text.translate(_CONTROLS)


def one_line(text: str) -> str:
    """Return `text` as one line of bounded length."""
    line = " ".join(printable(text).split())
    return line if len(line) <= _MESSAGE_WIDTH else line[: _MESSAGE_WIDTH - 1] + "\N{HORIZONTAL ELLIPSIS}"


def write_text(text: str) -> None:
    """Write text of an agent to stdout, at once; as it is unless a terminal shows it."""
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def write_json(value: Any) -> None:
    """Write one line of JSON to stdout."""
    import json

    from runtime.text import whole

    sys.stdout.write(whole(json.dumps(value, ensure_ascii=False)) + "\n")
    sys.stdout.flush()


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write aligned columns to stdout; the header only where there are rows."""
    lines = [[one_line(cell) for cell in row] for row in rows]
    if not lines:
        return
    lines.insert(0, list(header))
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def local_time(millis: int) -> str:
    """Return a time of the API for people."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(millis / 1000))


def size(count: int | None) -> str:
    """Return a number of bytes for people."""
    if count is None:
        return "unknown"
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 - the step between units
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def tokens(usage: dict[str, Any]) -> str:
    """Return the tokens of a session or a VM for people; nothing where no agent tells any."""
    counts = usage.get("tokens") or {}
    count = counts.get("totalTokens", sum(counts.values()))
    return f"{count:,}" if counts else ""


def cost(usage: dict[str, Any]) -> str:
    """Return the cost of a session or a VM for people; nothing where no agent tells any."""
    return ", ".join(f"{amount:.2f} {currency}" for currency, amount in (usage.get("cost") or {}).items())


def duration(seconds: int) -> str:
    """Return a time span for people, in its two largest units."""
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def vm_label(name: str | list[str]) -> str:
    """Return a VM's name as one string, as `--vm` takes it."""
    return name if isinstance(name, str) else "/".join(name)


def error_members(error: RpcError) -> dict[str, Any]:
    """Return an error of the API as JSON."""
    return {"code": error.rpc_code, "message": error.message, "data": error.data}


def report(error: RpcError, meant: str = "") -> None:
    """Tell the user of an error of the API, with what may have been `meant`, and the agent's last words where there are any."""
    from runtime.cli.hints import in_commands

    name = f" ({error.name})" if error.name else ""
    say(f"{in_commands(error.message)}{meant}{name}")
    stderr = error.data.get("stderr") if isinstance(error.data, dict) else None
    for line in stderr.splitlines() if isinstance(stderr, str) else stderr or ():
        sys.stderr.write(f"  | {printable(str(line))}\n")
