"""The client's side of agents that are run by this machine, for the tests of the SDKs."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from typing import TYPE_CHECKING, Any, Self

from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ANSWERS: dict[str, Any] = {
    "session/request_permission": {"outcome": {"outcome": "selected", "optionId": "yes"}},
    "terminal/create": {"terminalId": "t"},
    "terminal/wait_for_exit": {"exitCode": 3},
    "terminal/output": {"output": "text", "truncated": False},
    "fs/read_text_file": {"content": "of b"},
    "fs/write_text_file": None,
}
"""What the client says to the agent's requests, by their methods."""


class Client:
    """An agent's process, and its client. What it says is read in order."""

    def __init__(self, home: Path, words: Sequence[str | Path], variables: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"HOME": str(home), "PATH": os.environ["PATH"], **variables},
        )
        self._late = threading.Timer(WAIT, self._process.kill)
        self._late.start()
        self._last = 0
        self.session = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._late.cancel()
        self._process.kill()
        self._process.communicate()

    def write(self, text: bytes) -> None:
        """What may be no message."""
        assert self._process.stdin is not None
        self._process.stdin.write(text)

    def send(self, *messages: dict[str, Any]) -> None:
        """Some messages, in one piece."""
        assert self._process.stdin is not None
        self._process.stdin.write(
            b"".join(json.dumps({"jsonrpc": "2.0", **each}).encode() + b"\n" for each in messages)
        )
        self._process.stdin.flush()

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """A request, that can be sent."""
        self._last += 1
        return {"id": self._last, "method": method, "params": params}

    def prompt(self, text: str) -> dict[str, Any]:
        """A turn's."""
        return self.ask("session/prompt", sessionId=self.session, prompt=[{"type": "text", "text": text}])

    def receive(self) -> dict[str, Any]:
        """What the agent says next."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.end()
        message: dict[str, Any] = json.loads(line)
        return message

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a request, which is what comes next."""
        request = self.ask(method, **params)
        self.send(request)
        answer = self.receive()
        assert answer["id"] == request["id"], answer
        return answer

    def begin(self) -> dict[str, Any]:
        """What the agent says of a new session."""
        self.call("initialize", protocolVersion=1, clientCapabilities={"session": {"configOptions": {"boolean": {}}}})
        result: dict[str, Any] = self.call("session/new", cwd="/work", mcpServers=[])["result"]
        self.session = result["sessionId"]
        return result

    def turn(self, text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The updates of a turn and the answer to its request."""
        request = self.prompt(text)
        self.send(request)
        updates = []
        while "update" in (message := self.receive()).get("params", {}):
            updates.append(message["params"]["update"])
        assert message["id"] == request["id"], message
        return updates, message

    def said(self, text: str) -> str:
        """The text of a turn."""
        return "".join(update["content"]["text"] for update in self.turn(text)[0])

    def served(
        self, request: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], list[tuple[str, dict[str, Any]]], dict[str, Any]]:
        """The updates of a turn that was asked for, what the agent asks meanwhile, and the answer to the turn's request.

        The agent is answered with `ANSWERS`; there is no command `nope`.
        """
        updates, asked = [], []
        while (message := self.receive()).get("id") != request["id"] or "method" in message:
            if message["method"] == "session/update":
                updates.append(message["params"]["update"])
                continue
            params = message["params"]
            assert params.pop("sessionId") == self.session
            asked.append((message["method"], params))
            if params.get("command") == "nope":
                self.send({"id": message["id"], "error": {"code": -32002, "message": "no command nope"}})
            elif message["method"] in ANSWERS:
                self.send({"id": message["id"], "result": ANSWERS[message["method"]]})
        return updates, asked, message

    def end(self) -> str:
        """What is on stderr when the client has gone."""
        return self._process.communicate(timeout=WAIT)[1].decode()
