"""One test's transcript as a page of HTML: a single file that needs nothing else, and runs no script."""

from __future__ import annotations

import difflib
import json
from html import escape
from string import Template
from typing import TYPE_CHECKING, Any, Final

import attrs

from runtime.testing import transcript
from runtime.testing.expect import TRANSCRIPT
from runtime.testing.page_style import STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.testing.transcript import Entry

_PLACE: Final = "here"
"""The id of the entry that the failure is about."""

MAX_TEXT: Final = 20_000
"""Characters of one block: what a person scrolls through; the state file has all of it."""

MAX_LINE: Final = 160
"""Characters of data that are shown at once."""

MAX_ENTRIES: Final = 2000
"""Of one session, from its end: a page that a browser still likes."""

_PAGE: Final = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>$style</style>
</head>
<body>
<header><p class="kicker">Torpor test report</p><h1>$heading</h1><p class="facts">$facts</p></header>
<main>
$body
</main>
</body>
</html>
""")


@attrs.frozen
class SessionPart:
    """A session of the test."""

    agent: str
    entries: Sequence[Entry]


@attrs.define
class Report:
    """What a page tells of a test."""

    test: str
    message: str
    """Why it failed; the transcript in it is left to the sessions below."""
    traceback: str
    sessions: list[SessionPart] = attrs.field(factory=list)
    requests: list[tuple[str, str, str, Any]] = attrs.field(factory=list)
    """What the model was asked: (path, outcome, what was new in it, body)."""
    diff: str = ""
    """What changed in the VM's files."""
    state: str | None = None
    """The name of the state file beside the page."""
    facts: dict[str, str] = attrs.field(factory=dict)


def page(report: Report) -> str:
    """Return the page."""
    why, _, shown = report.message.partition(TRANSCRIPT)
    traceback = f"<details><summary>traceback</summary><pre>{_text(report.traceback)}</pre></details>"
    place = next(filter(None, (transcript.marked(shown, each.entries) for each in report.sessions)), None)
    link = f'<p><a href="#{_PLACE}">Where in the transcript</a></p>' if place is not None else ""
    body = [_section("Failure", f'<pre class="failure">{_text(why)}</pre>{link}{traceback}')]
    for number, session in enumerate(report.sessions, 1):
        which = f" {number}" if len(report.sessions) > 1 else ""
        body.append(_section(f"Session{which}: {session.agent}", _session(session.entries, place)))
    if report.diff:
        body.append(_section("Changed files", f'<pre class="diff">{_diff(report.diff)}</pre>'))
    if report.requests:
        listed = "".join(_request(number, *each) for number, each in enumerate(report.requests))
        body.append(_section("Requests to the model", listed))
    if report.state:
        command = f"torpor serve --state {report.state}"
        body.append(
            _section("The VM", f"<p>Its files and transcripts are beside this page:</p><pre>{escape(command)}</pre>")
        )
    name = report.test.rpartition("::")[2]
    facts = "".join(f"<span><b>{escape(key)}</b> {escape(value)}</span>" for key, value in report.facts.items())
    return _PAGE.substitute(
        title=escape(f"{name} – Torpor"), style=STYLE, heading=escape(name), facts=facts, body="\n".join(body)
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _session(entries: Sequence[Entry], place: Entry | None) -> str:
    began = entries[0].at if entries else 0
    left_out = max(0, len(entries) - MAX_ENTRIES)
    note = f'<p class="note">{left_out} earlier entries are in the state file.</p>' if left_out else ""
    shown = "".join(_entry(each, began, here=each is place) for each in entries[left_out:])
    return f'{note}<ol class="transcript">{shown}</ol>'


def _entry(entry: Entry, began: int, *, here: bool) -> str:
    label, body, kind = entry.kind.replace("_", " "), "", entry.kind
    match entry.kind:
        case "prompt" | "text" | "stderr":
            label = {"prompt": "User", "text": "Agent", "stderr": "stderr"}[entry.kind]
            body = f"<pre>{_text(entry.text)}</pre>"
        case "thought":
            label, body = "Thought", f"<pre>{_text(entry.text)}</pre>"
        case "tool":
            label, body = "Tool", _tool(entry.data)
            kind = f"tool {entry.data.get('status', '')}"
        case "end" if entry.data.get("error"):
            label, kind = "Turn failed", "failed"
            told = escape(str(entry.data["error"].get("message")))
            body = f"<p>{told}</p><details><summary>error</summary><pre>{_text(_json(entry.data['error']))}</pre></details>"
        case "end":
            label, body = "End of turn", f"<p>{escape(str(entry.data.get('stopReason')))}</p>"
        case "plan":
            label, body = "Plan", f"<pre>{_text(transcript.plan(entry))}</pre>"
        case "permission" | "reply" | "http_request" | "session_started" | "session_resumed":
            label = {"permission": "Permission", "reply": "Answer", "http_request": "HTTP"}.get(entry.kind, "Session")
            kind = kind if kind in {"permission", "reply"} else f"aside {kind}"
            body = f"<p>{escape(transcript.line(entry).partition(': ')[2])}</p>"
        case _:
            kind, body = "aside", _details(entry.data)
    after = f"+{(entry.at - began) / 1000:.2f} s"
    mark = f' id="{_PLACE}"' if here else ""
    return (
        f'<li class="{escape(kind)}"{mark}><div class="margin"><b>{escape(label)}</b>'
        f'<small title="seq {entry.seq}">{entry.seq} · {after}</small></div><div class="body">{body}</div></li>'
    )


def _details(data: dict[str, Any]) -> str:
    told = {name: value for name, value in data.items() if name not in {"sessionUpdate", "sessionId"}}
    line = json.dumps(told, ensure_ascii=False, default=str)
    if len(line) <= MAX_LINE:
        return f"<p><code>{escape(line)}</code></p>"
    return f"<details><summary>details</summary><pre>{_text(_json(told))}</pre></details>"


def _tool(data: dict[str, Any]) -> str:
    titles = data.get("titles") or [str(data.get("toolCallId"))]
    status = str(data.get("status", "?"))
    parts = [f'<p><b>{escape(titles[-1])}</b> <span class="badge {escape(status)}">{escape(status)}</span></p>']
    arguments = data.get("rawInput")
    if isinstance(arguments, dict) and arguments:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td><pre>{_text(value if isinstance(value, str) else _json(value))}</pre></td></tr>"
            for name, value in arguments.items()
        )
        parts.append(f"<table>{rows}</table>")
    contents = data.get("content") or []
    parts += [_tool_content(each if isinstance(each, dict) else {"value": each}) for each in contents]
    return "".join(parts)


def _tool_content(content: dict[str, Any]) -> str:
    inner = content.get("content")
    if content.get("type") == "content" and isinstance(inner, dict) and isinstance(inner.get("text"), str):
        return f"<pre>{_text(inner['text'])}</pre>"
    if content.get("type") == "diff":
        old, new = str(content.get("oldText") or "").splitlines(), str(content.get("newText") or "").splitlines()
        lines = [*difflib.unified_diff(old, new, "before", str(content.get("path")), lineterm="")]
        return f'<pre class="diff">{_diff(chr(10).join(lines))}</pre>'
    return f"<pre>{_text(_json(content))}</pre>"


def _request(number: int, path: str, outcome: str, news: str, body: Any) -> str:
    return (
        f'<details class="request"><summary>{number} <code>{escape(path)}</code> <span class="badge {escape(outcome)}">'
        f'{escape(outcome)}</span> <span class="said">{escape(news)}</span></summary><pre>{_text(_json(body))}</pre></details>'
    )


def _diff(text: str) -> str:
    names = {"+": "add", "-": "del", "@": "hunk"}
    cut = text if len(text) <= MAX_TEXT else text[:MAX_TEXT]
    shown = []
    for line in cut.splitlines():
        name = "file" if line.startswith(("+++", "---")) else names.get(line[:1], "same")
        shown.append(f'<span class="{name}">{escape(line) or " "}</span>')
    return "".join(shown)


def _text(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return escape(text)
    return f'{escape(text[:MAX_TEXT])}<span class="note"> … {len(text) - MAX_TEXT:,} more characters</span>'


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
