"""The reference of the events of ours, from the table that `rpc.discover` shows as `x-events`."""

from __future__ import annotations

from runtime.api.events import EVENTS


def table() -> str:
    """Every `_torpor/...` event, as Markdown."""
    parts = []
    for name, kind in EVENTS.items():
        text = f"### `{name}`\n\n{kind.meaning}\n"
        if kind.members:
            text += "\n| member | |\n| --- | --- |\n"
            text += "".join(f"| `{member}` | {meaning} |\n" for member, meaning in kind.members.items())
        parts.append(text)
    return "\n".join(parts)
