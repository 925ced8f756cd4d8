"""Limits of a VM that are nearly reached: told while something can still be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.vms.volume import FURNISHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime.vms.options import VmOptions
    from runtime.vms.processes import Processes
    from wasi_fs import Usage

NEARLY: Final = 0.8
"""Of a limit: a fifth is left, which is hours of work as a rule, and not the last minute."""


def near_limits(
    options: VmOptions,
    usage: Usage,
    processes: Processes | None,
    *,
    events: tuple[int, int],
    rows: Iterable[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Return `{limit, used, allowed}` of what is nearly reached, with a `sessionId` for `context`: a model's, in tokens.

    `events` are the bytes of all sessions' events and the number of sessions; `rows` those whose context is looked at.
    """
    event_bytes, sessions = events
    used = {
        "files": (usage.entries - FURNISHED.entries, options.files),
        "fileBytes": (usage.bytes - FURNISHED.bytes, options.file_bytes),
        "transcriptBytes": (event_bytes, options.transcript_limits.transcript),
        "sessions": (sessions, options.transcript_limits.sessions),
    }
    if processes is not None:
        used["processes"] = len(processes), options.processes
        sizes = [process.memory_bytes for process in processes.live()]
        used["memoryBytes"] = max(sizes, default=0), options.memory_bytes
    near = [
        {"limit": name, "used": count, "allowed": most} for name, (count, most) in used.items() if _is_near(count, most)
    ]
    return [*near, *_contexts(rows)]


def _contexts(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        context = row["usage"]["context"]
        if row["status"] != "closed" and context is not None and _is_near(context["used"], context["size"]):
            found = {"limit": "context", "used": context["used"], "allowed": context["size"]}
            yield {**found, "sessionId": row["sessionId"]}


def _is_near(used: int, allowed: int) -> bool:
    return used >= NEARLY * allowed > 0
