"""A conversation. What only tells the client something is done at once; what waits for an answer is awaited."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from torpor_agent.tool_call import ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torpor_agent.connection import Connection
    from torpor_agent.tool_call import Kind

OUTPUT_BYTES = 256 * 1024
"""Of a command's output that `Session.run` returns: more than a model reads."""

ALLOW_OR_REJECT = {"allow_once": "Allow", "reject_once": "Reject"}
"""What `Session.ask` offers."""

KINDS = {"allow_once", "allow_always", "reject_once", "reject_always"}
"""Of the answers to a question, as clients show them."""


class Blocks(list[dict[str, Any]]):
    """A prompt: ACP's content blocks."""

    @property
    def text(self) -> str:
        """All the text in it; of a file that is only named its address."""
        return "".join(_text(block) for block in self)


def _text(block: dict[str, Any]) -> str:
    match block.get("type"):
        case "text":
            return str(block.get("text", ""))
        case "resource_link":
            return str(block.get("uri", ""))
        case "resource":
            return str(block.get("resource", {}).get("text", ""))
        case _:
            return ""


class Ran(NamedTuple):
    """How a command has ended."""

    exit_code: int | None
    """None where a signal has ended it."""
    signal: str | None
    output: str
    """Of stdout and stderr, as they were written; the last of it where `truncated` says that there was more."""
    truncated: bool


class Session:
    """One conversation. The agent's process serves one."""

    def __init__(self, connection: Connection, id_: str, params: dict[str, Any], folder: Path) -> None:
        self.id = id_
        self.cwd = Path(params["cwd"])
        """The working directory, in the VM."""
        self.params = params
        """What the client has opened it with, `mcpServers` among it."""
        self.state: dict[str, Any] = {}
        """What the agent remembers, as JSON has it: kept in a file of the VM at the end of each turn, and read when the session
        is resumed."""
        self.resumed = False
        """Whether it has begun in another process."""
        self.mode: str | None = None
        """The id of the mode that it is in; None for an agent without modes."""
        self.settings: dict[str, Any] = {}
        """The values of the agent's options, by their ids."""
        self._connection = connection
        self._file = folder / f"{id_}.json"
        self._kept = "{}"
        self._calls = itertools.count(1)

    # What the client is told

    def say(self, text: str) -> None:
        """Say a piece of the answer."""
        self.update("agent_message_chunk", content={"type": "text", "text": text})

    def think(self, text: str) -> None:
        """Tell a piece of what leads to the answer."""
        self.update("agent_thought_chunk", content={"type": "text", "text": text})

    def plan(self, steps: Mapping[str, str] | Iterable[str]) -> None:
        """Tell all steps, with their statuses if it is a mapping: `pending`, `in_progress` and `completed`."""
        statuses = steps if isinstance(steps, Mapping) else dict.fromkeys(steps, "pending")
        entries = [{"content": text, "priority": "medium", "status": status} for text, status in statuses.items()]
        self.update("plan", entries=entries)

    def tool_call(self, title: str, kind: Kind = "other", **members: Any) -> ToolCall:
        """Something that is done, as a context; `members` are more of ACP's `tool_call`, such as `rawInput` and `locations`."""
        about = {"toolCallId": f"call_{os.getpid()}_{next(self._calls)}", "title": title, "kind": kind, **members}
        return ToolCall(self._send, about)

    def title(self, text: str) -> None:
        """Give the conversation a title."""
        self.update("session_info_update", title=text)

    def update(self, kind: str, **members: Any) -> None:
        """Send any of ACP's updates."""
        self._send({"sessionUpdate": kind, **members})

    def _send(self, update: dict[str, Any]) -> None:
        self._connection.notify("session/update", {"sessionId": self.id, "update": update})

    # What the client is asked. All raise ClientError

    async def ask(
        self, question: str | ToolCall, options: Mapping[str, str] = ALLOW_OR_REJECT, kind: Kind = "other"
    ) -> str | None:
        """Ask for permission: about a call that is running, or anything else. The id of the answer; None if it was called off.

        `options` has what the answers are called, by their ids, which are ACP's kinds where these fit.
        """
        call = question.about if isinstance(question, ToolCall) else self.tool_call(question, kind).about
        offered = [
            {"optionId": id_, "name": name, "kind": id_ if id_ in KINDS else "allow_once"}
            for id_, name in options.items()
        ]
        answer = await self._request("session/request_permission", toolCall=call, options=offered)
        outcome = answer["outcome"]
        return outcome["optionId"] if outcome["outcome"] == "selected" else None

    async def read(self, path: str | Path, line: int | None = None, limit: int | None = None) -> str:
        """A text file, or `limit` lines of it from `line` on, which counts from 1."""
        wanted = {name: value for name, value in (("line", line), ("limit", limit)) if value is not None}
        answer = await self._request("fs/read_text_file", path=self._path(path), **wanted)
        return str(answer["content"])

    async def write(self, path: str | Path, text: str) -> None:
        """Replace or make a text file."""
        await self._request("fs/write_text_file", path=self._path(path), content=text)

    async def run(
        self,
        *command: str,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        call: ToolCall | None = None,
    ) -> Ran:
        """Run a command to its end: words, or one line of shell. `call` shows it. Cancelled, it ends the command."""
        words = {"command": command[0], "args": list(command[1:])}
        if len(command) == 1:
            words = {"command": "/bin/sh", "args": ["-c", command[0]]}
        variables = [{"name": name, "value": value} for name, value in (env or {}).items()]
        place = self._path(self.cwd if cwd is None else cwd)
        wanted = {**words, "cwd": place, "env": variables, "outputByteLimit": OUTPUT_BYTES}

        def release(made: dict[str, Any]) -> None:
            self._connection.post("terminal/release", {"sessionId": self.id, "terminalId": made["terminalId"]})

        made = await self._connection.request("terminal/create", {"sessionId": self.id, **wanted}, late=release)
        terminal = {"terminalId": made["terminalId"]}
        try:
            if call is not None:
                call.add({"type": "terminal", **terminal})
            status = await self._request("terminal/wait_for_exit", **terminal)
            shown = await self._request("terminal/output", **terminal)
        finally:
            release(made)
        return Ran(status.get("exitCode"), status.get("signal"), shown["output"], shown["truncated"])

    async def _request(self, method: str, **params: Any) -> Any:
        return await self._connection.request(method, {"sessionId": self.id, **params})

    def _path(self, path: str | Path) -> str:
        return os.path.normpath(self.cwd / path)

    # What is kept

    def save(self) -> None:
        """Keep `state` now."""
        text = json.dumps(self.state)
        if text == self._kept:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text(text)
        unfinished.replace(self._file)
        self._kept = text

    def restore(self) -> bool:
        """Take up what was kept; whether there was something."""
        try:
            self._kept = self._file.read_text()
        except FileNotFoundError:
            return False
        self.state = json.loads(self._kept)
        self.resumed = True
        return True
