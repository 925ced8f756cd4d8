"""A session's events as a person reads them: chunks joined, tool calls folded, one entry for each thing that happened.

Failure messages, golden files and the HTML page are made of the same entries.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import attrs

from runtime.api.events import AGENT_STDERR, PERMISSION_REPLY, TURN_ENDED, TURN_STARTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime.api.sessions import SessionEvent

CHUNKS: Final = {
    "user_message_chunk": "prompt",
    "agent_message_chunk": "text",
    "agent_thought_chunk": "thought",
}
BESIDE: Final = {"http_request", "usage_update", "stderr"}
"""What comes beside the conversation, sooner or later: it does not part a text in two."""

MAX_SHOWN: Final = 2000
"""Characters of one entry in a failure message: a screen or so."""

MARK: Final = ">"

AROUND: Final = 12
"""Entries before and after the one that a failure is about."""

_TYPE_MEMBERS: Final = {"sessionUpdate", "sessionId"}
"""What only the runtime needs to know: it says nothing about the agent."""

_COUNTS: Final = {"usage_update"}
"""Kept out of failure messages, which have room for a screen or so."""

_SILENT: Final = {TURN_STARTED, "available_commands_update"}


@attrs.define
class Entry:
    """One thing that happened.

    `kind`: prompt, text, thought, tool, permission, reply, stderr, end, or the event's own type. `seq` is the first
    event's, `at` its time in milliseconds since the epoch, `data` what its fields say, for a tool call all updates merged.
    """

    kind: str
    seq: int
    at: int
    text: str = ""
    data: dict[str, Any] = attrs.field(factory=dict)


@attrs.define
class ToolCall:
    """A tool call of the agent, with all its updates.

    `names` are what it may be called by. ACP has no name of a tool but titles ("Write a.txt"), so these are: its name if
    the agent sends one, every title it had, the titles' first words in lower case, and its kind.
    """

    id: str
    names: list[str]
    arguments: dict[str, Any]
    status: str
    entry: Entry

    def __str__(self) -> str:
        return f"{self.names[0] if self.names else '?'}({_arguments(self.arguments)})"


def event_type(event: dict[str, Any]) -> str:
    """Return the type by which the API filters events."""
    if event.get("method") == "session/update":
        return str(event["params"].get("update", {}).get("sessionUpdate"))
    return str(event.get("method"))


def entries(events: Iterable[SessionEvent]) -> list[Entry]:
    """Fold events into entries, in the order in which things began."""
    found: list[Entry] = []
    tools: dict[str, Entry] = {}
    for each in events:
        kind, params = event_type(each.event), each.event.get("params") or {}
        update = params.get("update") or {}
        if kind in _SILENT:
            continue
        if kind in CHUNKS:
            text = _content(update.get("content"))
            last = next((entry for entry in reversed(found) if entry.kind not in BESIDE), None)
            if last is not None and last.kind == CHUNKS[kind] and kind != "user_message_chunk":
                last.text += text
            else:
                found.append(Entry(CHUNKS[kind], each.seq, each.created_at, text))
        elif kind in {"tool_call", "tool_call_update"}:
            tool = tools.get(str(update.get("toolCallId")))
            if tool is None:
                tool = tools[str(update.get("toolCallId"))] = Entry("tool", each.seq, each.created_at)
                found.append(tool)
            _merge(tool, update)
        else:
            found.append(_other(kind, each, update or params))
    return found


def tool_calls(found: Iterable[Entry]) -> list[ToolCall]:
    """Return the tool calls among the entries."""
    calls = []
    for entry in found:
        if entry.kind == "tool":
            arguments = entry.data.get("rawInput")
            names = [str(entry.data["name"])] if entry.data.get("name") else []
            names += [title.split()[0].lower() for title in reversed(entry.data["titles"]) if title.split()]
            names += entry.data["titles"]
            names += [entry.data["kind"]] if entry.data.get("kind") else []
            calls.append(
                ToolCall(
                    str(entry.data.get("toolCallId")),
                    names,
                    arguments if isinstance(arguments, dict) else {},
                    str(entry.data.get("status")),
                    entry,
                )
            )
    return calls


def line(entry: Entry) -> str:
    """Return an entry as text: a heading, and what it holds, indented by two."""
    body = entry.text
    heading = entry.kind
    match entry.kind:
        case "tool":
            titles = entry.data["titles"]
            heading = f"tool {entry.data.get('status', '?')}: {titles[-1] if titles else entry.data.get('toolCallId')}"
            body = _tool_body(entry.data)
        case "permission":
            heading = f"permission: {(entry.data.get('toolCall') or {}).get('title', '')}".rstrip()
        case "reply":
            heading = (
                f"permission {entry.data.get('outcome')}: {entry.data.get('optionId', '')} by {entry.data.get('by')}"
            )
        case "end":
            heading, body = _end(entry.data)
        case "plan":
            body = plan(entry)
        case "session_started":
            heading = f"session started: {entry.data.get('agentType')} in {entry.data.get('cwd')}"
        case "session_resumed":
            heading = f"session resumed: {entry.data.get('tier')}"
        case "http_request":
            where = "{scheme}://{host}:{port}{path}".format_map(_Members(entry.data))
            heading = f"http: {entry.data.get('method')} {where} -> {entry.data.get('status', entry.data.get('error'))}"
        case "prompt" | "text" | "thought" | "stderr":
            pass
        case _:
            shown = {name: value for name, value in entry.data.items() if name not in _TYPE_MEMBERS}
            heading += f" {json.dumps(shown, ensure_ascii=False, sort_keys=True)}" if shown else ""
    return heading + "".join(f"\n  {each}".rstrip(" ") for each in body.splitlines())


def plan(entry: Entry) -> str:
    """Return the steps of a plan, one a line."""
    steps = entry.data.get("entries") or []
    return "\n".join(f"{each.get('status')}: {each.get('content')}" for each in steps if isinstance(each, dict))


def around(found: Sequence[Entry], about: Entry | None = None) -> str:
    """Return the transcript around an entry (None: its end) for a failure message; that entry is marked."""
    found = [entry for entry in found if entry.kind not in _COUNTS or entry is about]
    place = next((index for index, entry in enumerate(found) if entry is about), len(found))
    first, last = max(0, place - AROUND), min(len(found), place + AROUND)
    shown = [f"  … {first} entries before"] if first else []
    for entry in found[first:last]:
        text = line(entry)
        if len(text) > MAX_SHOWN:
            text = f"{text[:MAX_SHOWN]}… ({len(text)} characters)"
        mark = MARK if entry is about else " "
        heading, *body = text.splitlines()
        shown += [f"{mark} {entry.seq:>4} {heading}", *(f"{mark}      {each}".rstrip() for each in body)]
    if last < len(found):
        shown.append(f"  … {len(found) - last} entries after")
    return "\n".join(shown) if shown else "  (nothing happened)"


def marked(shown: str, found: Iterable[Entry]) -> Entry | None:
    """Return the entry that is marked in what `around` returned."""
    place = next((text for text in shown.splitlines() if text.startswith(f"{MARK} ")), None)
    for entry in found:
        if place == f"{MARK} {entry.seq:>4} {line(entry).splitlines()[0]}":
            return entry
    return None


def _end(data: dict[str, Any]) -> tuple[str, str]:
    if data.get("error"):
        return f"turn failed: {data['error'].get('message')}", _json(data["error"])
    return f"turn ended: {data.get('stopReason')}", ""


class _Members(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return f"<{name}>"


def _other(kind: str, each: SessionEvent, data: dict[str, Any]) -> Entry:
    names = {
        "session/request_permission": "permission",
        PERMISSION_REPLY: "reply",
        AGENT_STDERR: "stderr",
        TURN_ENDED: "end",
    }
    text = str(data.get("text", "")) if kind == AGENT_STDERR else ""
    return Entry(names.get(kind, kind.removeprefix("_torpor/")), each.seq, each.created_at, text, data)


def _merge(tool: Entry, update: dict[str, Any]) -> None:
    titles = tool.data.setdefault("titles", [])
    title = update.get("title")
    if isinstance(title, str) and title not in titles:
        titles.append(title)
    tool.data.update({name: value for name, value in update.items() if value is not None})


def _content(content: Any) -> str:
    if isinstance(content, dict):
        if isinstance(content.get("text"), str):
            return str(content["text"])
        return f"[{content.get('type')}]"
    return ""


def _tool_body(data: dict[str, Any]) -> str:
    parts = []
    if isinstance(data.get("rawInput"), dict):
        parts += [
            f"{name}: {value if isinstance(value, str) else _json(value)}" for name, value in data["rawInput"].items()
        ]
    for content in data.get("content") or []:
        match content.get("type") if isinstance(content, dict) else None:
            case "content":
                parts.append(f"-> {_content(content.get('content'))}")
            case "diff":
                parts.append(f"-> diff of {content.get('path')}")
            case "terminal":
                parts.append(f"-> terminal {content.get('terminalId')}")
            case _:
                parts.append(f"-> {_json(content)}")
    return "\n".join(parts)


def _arguments(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
