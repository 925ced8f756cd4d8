"""The smallest agent in Python: it counts the words of the files it is asked about.

Files, standard input and output are Python's own; componentize-py turns them into WASI calls. Only modules that are
imported while it is built can be imported when it runs.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wit_world import exports

if TYPE_CHECKING:
    from collections.abc import Iterator


class Agent:
    """One session: an agent process serves no more."""

    cwd = Path("/")

    def handle(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """The result of a request; None for a method that there is not."""
        match method:
            case "initialize":
                info = {"name": "hello-py", "title": "Hello from Python", "version": "0.1.0"}
                return {"protocolVersion": 1, "agentCapabilities": {}, "agentInfo": info, "authMethods": []}
            case "session/new":
                self.cwd = Path(params["cwd"])
                return {"sessionId": "the-only-one"}
            case "session/prompt":
                for text in self.answer("".join(block.get("text", "") for block in params["prompt"])):
                    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
                    send(method="session/update", params={"sessionId": params["sessionId"], "update": update})
                return {"stopReason": "end_turn"}
            case _:
                return None

    def answer(self, prompt: str) -> Iterator[str]:
        """The pieces of the answer: a line for each file that the prompt names."""
        for name in prompt.split():
            try:
                words = len((self.cwd / name).read_text().split())
            except OSError as error:
                yield f"{name}: {error.strerror}\n"
            else:
                yield f"{name}: {words} words\n"


def send(**message: object) -> None:
    """One message, one line."""
    rest = memoryview(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    while rest:  # sys.stdout has no buffer here: of a long text it would drop what the pipe has no room for
        rest = rest[os.write(1, rest) :]


class Run(exports.Run):
    """The component's `wasi:cli/run`."""

    def run(self) -> None:
        """Answer requests until standard input ends."""
        agent = Agent()
        for line in sys.stdin:
            message = json.loads(line)
            if "id" not in message or "method" not in message:
                continue  # a notification, or the answer to nothing we asked
            result = agent.handle(message["method"], message.get("params", {}))
            if result is None:
                send(id=message["id"], error={"code": -32601, "message": "Method not found"})
            else:
                send(id=message["id"], result=result)
