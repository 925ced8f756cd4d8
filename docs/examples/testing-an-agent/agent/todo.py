"""A small agent without a model: it keeps a list of things to do in `todo.txt`, and asks before it clears it.

It speaks ACP: one JSON object a line, on stdin and stdout. Only modules that are imported while it is built can be imported
when it runs.
"""

from __future__ import annotations

import json
import os
import sys
from itertools import count
from pathlib import Path
from typing import Any

from wit_world import exports

OPTIONS = [
    {"optionId": "allow", "name": "Clear it", "kind": "allow_once"},
    {"optionId": "reject", "name": "Keep it", "kind": "reject_once"},
]


class Agent:
    """One session: a process serves no more."""

    def __init__(self) -> None:
        self.list = Path("todo.txt")
        self.ids = count(1)

    def serve(self) -> None:
        """Answer requests until standard input ends."""
        for line in sys.stdin:
            message = json.loads(line)
            if "id" in message and "method" in message:
                self.answer(message["id"], message["method"], message.get("params", {}))

    def answer(self, number: Any, method: str, params: dict[str, Any]) -> None:
        """Answer one request."""
        match method:
            case "initialize":
                info = {"name": "todo", "title": "Todo", "version": "0.1.0"}
                send(id=number, result={"protocolVersion": 1, "agentCapabilities": {}, "agentInfo": info})
            case "session/new":
                self.list = Path(params["cwd"], "todo.txt")
                send(id=number, result={"sessionId": "the-only-one"})
            case "session/prompt":
                text = "".join(block.get("text", "") for block in params["prompt"])
                self.obey(params["sessionId"], *text.split(maxsplit=1))
                send(id=number, result={"stopReason": "end_turn"})
            case _:
                send(id=number, error={"code": -32601, "message": f"no method {method}"})

    def obey(self, session: str, command: str = "list", argument: str = "") -> None:
        """Do what the prompt says: `add THING`, `clear` or `list`."""
        things = self.list.read_text().splitlines() if self.list.exists() else []
        match command:
            case "add":
                call = self.tool_call(session, f"Add {argument}", "edit", {"thing": argument})
                self.list.write_text("".join(f"{each}\n" for each in [*things, argument]))
                update(session, sessionUpdate="tool_call_update", toolCallId=call, status="completed")
                say(session, f"Added. You have {len(things) + 1} to do.")
            case "clear" if self.may_clear(session):
                self.list.write_text("")
                say(session, "Cleared.")
            case "clear":
                say(session, "Kept.")
            case _:
                say(session, "\n".join(things) or "Nothing to do.")

    def tool_call(self, session: str, title: str, kind: str, arguments: dict[str, Any]) -> str:
        """Tell that a tool call begins, and return its id."""
        call = f"call-{next(self.ids)}"
        members = {"title": title, "kind": kind, "status": "in_progress", "rawInput": arguments}
        update(session, sessionUpdate="tool_call", toolCallId=call, **members)
        return call

    def may_clear(self, session: str) -> bool:
        """Ask the user, and wait for the answer."""
        number = f"ask-{next(self.ids)}"
        call = {"toolCallId": number, "title": "Clear the list", "kind": "delete", "status": "pending"}
        params = {"sessionId": session, "toolCall": call, "options": OPTIONS}
        send(id=number, method="session/request_permission", params=params)
        for line in sys.stdin:
            message = json.loads(line)
            if message.get("id") == number:
                return message.get("result", {}).get("outcome", {}).get("optionId") == "allow"
        return False


def say(session: str, text: str) -> None:
    """Say something to the user."""
    update(session, sessionUpdate="agent_message_chunk", content={"type": "text", "text": text})


def update(session: str, **members: Any) -> None:
    """Send a session update."""
    send(method="session/update", params={"sessionId": session, "update": members})


def send(**message: Any) -> None:
    """Send one message: one line."""
    rest = memoryview(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    while rest:  # sys.stdout has no buffer here: of a long text it would drop what the pipe has no room for
        rest = rest[os.write(1, rest) :]


class Run(exports.Run):
    """The component's `wasi:cli/run`."""

    def run(self) -> None:
        """Serve until standard input ends."""
        Agent().serve()
