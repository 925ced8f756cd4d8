"""What each kind of event changes in a conversation: a table, and a fold over it. Kinds that are not in it are not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.api import events
from runtime.cli.chat.items import MAX_PARTS, Plan, Tool, clean, content_text
from runtime.cli.chat.state import MAX_COMMANDS, MAX_TOOLS, Choice, Command, Option, Usage, choices
from runtime.cli.output import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.cli.chat.state import State

Members = dict[str, Any]

DENIED: Final = "HTTP-request-denied"
"""The error of a request that no grant allows."""

INTERRUPTED: Final = "the daemon ended in the middle of this turn"

MAX_DENIED: Final = 10
"""Hosts of one turn that are named because they may not be reached: who tries more knows by then."""


def fold(state: State, entry: Members) -> None:
    """Take over an entry of a transcript: `{seq, createdAt, event}`, as `sessionEvent` and `getSessionEvents` have it."""
    event = entry["event"]
    params = event.get("params") or {}
    kind, members = event.get("method"), params
    if kind == "session/update":
        members = params.get("update")
        kind = members.get("sessionUpdate") if isinstance(members, dict) else None
    state.seq = entry["seq"]
    change = CHANGES.get(kind) if isinstance(kind, str) else None
    if change is not None:
        change(state, members, entry["createdAt"])


def _turn_started(state: State, _members: Members, at: int) -> None:
    state.turn_started = at
    state.denied.clear()
    state.context_before = state.usage.context or 0


def _turn_ended(state: State, members: Members, at: int) -> None:
    error, reason = members.get("error"), members.get("stopReason")
    said = None
    if isinstance(error, dict):
        said = clean(error.get("message")) or clean(members.get("end"))
    elif members.get("filesError"):
        said = f"the files of this turn could not be stored: {clean(members['filesError'])}"
    elif not isinstance(reason, str):
        said = one_line(clean(members.get("end"))).replace("_", " ")
    state.end_turn(one_line(clean(reason)) or None, said, at)


def _turn_interrupted(state: State, _members: Members, at: int) -> None:
    if state.turn_started is not None:  # else it is known already
        state.end_turn(None, INTERRUPTED, at)


def _user_message(state: State, members: Members, _at: int) -> None:
    state.close_text()
    text = content_text(members.get("content"))
    state.prompt.append(text if not state.prompt or text.startswith("\n") else f" {text}")


def _message(state: State, members: Members, _at: int) -> None:
    content = members.get("content")
    if isinstance(content, dict) and isinstance(content.get("text"), str):
        text = clean(content["text"], len(content["text"]))
    else:
        text = content_text(content)
    if text:
        state.say(text)


def _thought(state: State, members: Members, at: int) -> None:
    if text := content_text(members.get("content")):
        state.think(text, at)


def _tool(state: State, members: Members, at: int) -> None:
    call_id = members.get("toolCallId")
    if not isinstance(call_id, str) or (members["sessionUpdate"] == "tool_call_update" and call_id in state.shown):
        return
    state.close_prompt()
    state.close_thought(at)
    state.close_text()
    if call_id not in state.tools:
        if len(state.tools) >= MAX_TOOLS:
            state.finish(next(iter(state.tools.values())))
        state.tools[call_id] = Tool(call_id)
    tool = state.tools[call_id]
    tool.merge(members)
    if tool.is_over:
        state.finish(tool)


def _plan(state: State, members: Members, _at: int) -> None:
    found = members.get("entries")
    state.plan = Plan(
        tuple(
            (one_line(clean(each.get("status"))), one_line(clean(each.get("content"))))
            for each in (found if isinstance(found, list) else ())[:MAX_PARTS]
            if isinstance(each, dict)
        )
    )


def _commands(state: State, members: Members, _at: int) -> None:
    found = members.get("availableCommands")
    state.commands = tuple(
        Command(one_line(clean(each["name"])), one_line(clean(each.get("description"))))
        for each in (found if isinstance(found, list) else ())[:MAX_COMMANDS]
        if isinstance(each, dict) and isinstance(each.get("name"), str)
    )


def _mode(state: State, members: Members, _at: int) -> None:
    if isinstance(members.get("currentModeId"), str):
        state.mode = members["currentModeId"]


def _options(state: State, members: Members, _at: int) -> None:
    found = members.get("configOptions")
    if isinstance(found, list):
        state.options = tuple(
            Option(each["id"], clean(each.get("category")), each["currentValue"], choices(each.get("options"), "value"))
            for each in found[:MAX_PARTS]
            if isinstance(each, dict) and isinstance(each.get("id"), str) and isinstance(each.get("currentValue"), str)
        )


def setup(state: State, members: Members) -> None:
    """Take over what a session begins with: its modes and config options."""
    modes = members.get("modes")
    if isinstance(modes, dict):
        found: tuple[Choice, ...] = choices(modes.get("availableModes"), "id")
        state.modes = found
        _mode(state, modes, 0)
    _options(state, members, 0)


def _started(state: State, members: Members, _at: int) -> None:
    setup(state, members)


def _resumed(state: State, members: Members, _at: int) -> None:
    setup(state, members)
    if members.get("tier") == "continuation":
        state.note("the agent begins afresh, and reads what was said before")


def _usage(state: State, members: Members, _at: int) -> None:
    used, size, cost = members.get("used"), members.get("size"), members.get("cost")
    known = state.usage
    if isinstance(cost, dict) and isinstance(cost.get("amount"), int | float):
        known = known._replace(cost=((float(cost["amount"]), one_line(clean(cost.get("currency")))),))
    if isinstance(used, int) and isinstance(size, int):
        known = known._replace(context=used, context_size=size)
    state.usage = Usage(*known)


def _info(state: State, members: Members, _at: int) -> None:
    if isinstance(members.get("title"), str):
        state.title = one_line(clean(members["title"]))


def _stderr(state: State, members: Members, _at: int) -> None:
    if text := clean(members.get("text")).strip("\n"):
        server = members.get("server")
        state.note(f"{one_line(clean(server)) if server else 'stderr'}: {text}")


def _exit(state: State, members: Members, _at: int) -> None:
    said = clean(members.get("message")) or clean(members.get("reason"))
    lines = members.get("stderr")
    last = "".join(f"\n  | {clean(line)}" for line in lines[-MAX_PARTS:]) if isinstance(lines, list) else ""
    server = members.get("server")
    who = f"the MCP server {one_line(clean(server))}" if server else "the agent"
    state.note(f"{who} ended: {said}{last}", "bad")


def _limit(state: State, members: Members, _at: int) -> None:
    state.note(f"{one_line(clean(members.get('limit')))} is reached: {clean(members.get('help'))}", "bad")


def _http(state: State, members: Members, _at: int) -> None:
    if members.get("error") == DENIED:
        host = one_line(clean(members.get("host")))
        if host in state.denied or len(state.denied) >= MAX_DENIED:
            return
        state.denied.add(host)
        state.note(
            f"{host} may not be reached: the VM has no grant for it (--allow {host} when the VM is made)", "warn"
        )


def _authentication(state: State, _members: Members, _at: int) -> None:
    state.note("the agent wants to be authenticated (--auth-method)", "warn")


def _lost(state: State, _members: Members, _at: int) -> None:
    state.note("an event is missing here: the state file was damaged", "warn")


CHANGES: Final[dict[str, Callable[[State, Members, int], None]]] = {
    events.TURN_STARTED: _turn_started,
    events.TURN_ENDED: _turn_ended,
    events.TURN_INTERRUPTED: _turn_interrupted,
    "user_message_chunk": _user_message,
    "agent_message_chunk": _message,
    "agent_thought_chunk": _thought,
    "tool_call": _tool,
    "tool_call_update": _tool,
    "plan": _plan,
    "available_commands_update": _commands,
    "current_mode_update": _mode,
    "config_option_update": _options,
    "usage_update": _usage,
    "session_info_update": _info,
    events.SESSION_STARTED: _started,
    events.SESSION_RESUMED: _resumed,
    events.AGENT_STDERR: _stderr,
    events.MCP_STDERR: _stderr,
    events.AGENT_EXIT: _exit,
    events.MCP_EXIT: _exit,
    events.LIMIT_REACHED: _limit,
    events.HTTP_REQUEST: _http,
    events.AUTHENTICATION_REQUIRED: _authentication,
    events.LOST: _lost,
}
"""Kind of event -> what it changes."""
