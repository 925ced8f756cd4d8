"""Commands of agents in what the editor shows: they run in the VM, and their output is told when they end.

A tool call has a terminal among its content, which ACP takes for one of the client's. The editor has none of ours, and is
never asked to run anything. One that says `terminal_output` in the `_meta` of its capabilities shows terminals of the agent's
side all the same (Zed's extension of ACP, which agents that run commands themselves use): it hears of the terminal, its output
and its end by `terminal_info`, `terminal_output` and `terminal_exit` in the `_meta` of updates. For others the output becomes
text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from runtime.cli.acp.editor import Editor

Update = dict[str, Any]

KEPT: Final = 64
"""Terminals of a session whose end, or whose place in a tool call, is remembered: an agent has as many open at once."""

CALL_UPDATE: Final = "tool_call_update"
CALLS: Final = ("tool_call", CALL_UPDATE)


class Terminals:
    """Those of one session."""

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id
        self._ends: dict[str, Update] = {}
        """What `_torpor/terminal_ended` said of terminals that no tool call has yet."""
        self._places: dict[str, tuple[str, list[Any]]] = {}
        """Terminals in tool calls that have not ended: the call, and all of its content."""

    def shown(self, editor: Editor, update: Update) -> list[Update]:
        """An update as the editor is to have it, and what is to follow it."""
        content, call = update.get("content"), update.get("toolCallId")
        if update.get("sessionUpdate") not in CALLS or not isinstance(content, list) or not isinstance(call, str):
            return [update]
        ids = [id_ for id_ in map(_terminal_of, content) if id_ is not None]
        if not ids:
            return [update]
        new = [id_ for id_ in ids if id_ not in self._places]
        for id_ in ids:
            _keep(self._places, id_, (call, content))
        if not editor.terminals:
            return [{**update, "content": self._as_text(content)}]
        mine = [
            {**item, "terminalId": self._name(item["terminalId"])} if _terminal_of(item) else item for item in content
        ]
        info = {"terminal_info": {"terminal_id": self._name(new[0])}} if new else {}  # a second one would make it anew
        meta = update.get("_meta")
        meta = {**(meta if isinstance(meta, dict) else {}), **info}
        told = {**update, "content": mine, **({"_meta": meta} if meta else {})}
        return [told, *(self._ended(call, self._ends.pop(id_)) for id_ in ids if id_ in self._ends)]

    def end(self, editor: Editor, params: Update) -> list[Update]:
        """The updates for the end of a terminal."""
        id_ = params["terminalId"]
        _keep(self._ends, id_, params)
        if id_ not in self._places:
            return []
        call, content = self._places[id_]
        if editor.terminals:
            return [self._ended(call, self._ends.pop(id_))]
        return [{"sessionUpdate": CALL_UPDATE, "toolCallId": call, "content": self._as_text(content)}]

    def _ended(self, call: str, end: Update) -> Update:
        terminal = {"terminal_id": self._name(end["terminalId"])}
        meta = {
            "terminal_output": {**terminal, "data": _output(end)},
            "terminal_exit": {**terminal, "exit_code": end["exitCode"], "signal": end["signal"]},
        }
        return {"sessionUpdate": CALL_UPDATE, "toolCallId": call, "_meta": meta}

    def _as_text(self, content: list[Any]) -> list[Any]:
        """The content with the output of terminals that have ended, and without those that have not."""
        shown = []
        for item in content:
            id_ = _terminal_of(item)
            if id_ is None:
                shown.append(item)
            elif id_ in self._ends:
                shown.append({"type": "content", "content": {"type": "text", "text": _block(_output(self._ends[id_]))}})
        return shown

    def _name(self, id_: str) -> str:
        """The editor's name for it: it has the terminals of many sessions."""
        return f"{self._session_id}.{id_}"


def _terminal_of(item: Any) -> str | None:
    id_ = item.get("terminalId") if isinstance(item, dict) and item.get("type") == "terminal" else None
    return id_ if isinstance(id_, str) else None


def _output(end: Update) -> str:
    return f"[...]\n{end['output']}" if end["truncated"] else str(end["output"])


def _block(text: str) -> str:
    """Text as a block of Markdown, which is what ACP's text is; the fence is longer than any in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"


def _keep(kept: dict[str, Any], id_: str, value: Any) -> None:
    kept.pop(id_, None)
    kept[id_] = value
    if len(kept) > KEPT:
        del kept[next(iter(kept))]
