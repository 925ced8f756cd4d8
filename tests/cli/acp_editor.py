"""An editor for `torpor acp`: the command in a process of its own, with every frame checked against the official schema."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

from tests.conformance import schema
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMAND: Final = (sys.executable, "-P", "-m", "runtime.cli", "acp")

Frame = dict[str, Any]


class RefusedError(Exception):
    """The agent answered with an error."""

    def __init__(self, error: Frame) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        self.data: Any = error.get("data")


class Editor:
    """One `torpor acp`, from its start to the end of its stdin."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._buffer = b""
        self._last_id = 0
        self._methods: dict[int, str] = {}
        self._answers: dict[int, Frame] = {}
        self.updates: list[Frame] = []
        """The updates so far, with `sessionId` put beside."""
        self.frames: list[Frame] = []
        self.permit: Callable[[Frame], Frame | None] = lambda _: {"outcome": "selected", "optionId": "allow-once"}
        """Answers permission requests; None leaves them open."""
        self.files: Callable[[str, Frame], Frame] = lambda _method, _params: {}
        """Serves `fs/*`: method and params to the outcome, `result` or `error`."""
        self.stderr = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> int:
        """End its stdin; its exit code."""
        out, err = self._process.communicate(timeout=WAIT)
        assert not (self._buffer + out).strip(), "something was left unread"
        self.stderr += err.decode()
        return self._process.returncode

    def hang_up(self) -> None:
        """End its stdin, and go on reading."""
        self._stdin.close()
        self._process.stdin = None

    def ended(self) -> int:
        """Its exit code, when it ends by itself; what it said before is read."""
        while self._receive():
            pass
        return self.close()

    def send(self, **message: Any) -> None:
        self.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def write(self, data: bytes) -> None:
        self._stdin.write(data)
        self._stdin.flush()

    def begin(self, method: str, /, **params: Any) -> int:
        """Send a request; `result` waits for it."""
        self._last_id += 1
        self._methods[self._last_id] = method
        self.send(id=self._last_id, method=method, params=params)
        return self._last_id

    def call(self, method: str, /, **params: Any) -> Any:
        return self.result(self.begin(method, **params))

    def refused(self, method: str, /, **params: Any) -> RefusedError:
        """The error that a request is answered with."""
        try:
            result = self.call(method, **params)
        except RefusedError as error:
            return error
        raise AssertionError(f"{method} was answered with {result}")

    def result(self, id_: int) -> Any:
        """Wait for an answer."""
        self.until(lambda: id_ in self._answers)
        answer = self._answers.pop(id_)
        if "error" in answer:
            raise RefusedError(answer["error"])
        return answer["result"]

    def until(self, done: Callable[[], bool]) -> None:
        """Take frames in until it is so."""
        while not done():
            assert self._receive(), f"torpor acp has ended: {self.frames[-3:]}"

    def initialize(self, **capabilities: Any) -> Any:
        return self.call("initialize", protocolVersion=1, clientCapabilities=capabilities)

    def new(self, cwd: str = "/work", **params: Any) -> str:
        return str(self.call("session/new", cwd=cwd, mcpServers=[], **params)["sessionId"])

    def begin_prompt(self, session: str, text: str) -> int:
        self.updates.clear()
        return self.begin("session/prompt", sessionId=session, prompt=[{"type": "text", "text": text}])

    def prompt(self, session: str, text: str) -> str:
        """The stop reason; `said` has what it said."""
        return str(self.result(self.begin_prompt(session, text))["stopReason"])

    @property
    def said(self) -> str:
        """The text of the agent's messages since `begin_prompt`."""
        chunks = [update for update in self.updates if update["sessionUpdate"] == "agent_message_chunk"]
        return "".join(chunk["content"]["text"] for chunk in chunks)

    def kinds(self) -> list[str]:
        return [update["sessionUpdate"] for update in self.updates]

    def _receive(self) -> bool:
        deadline = time.monotonic() + WAIT
        while b"\n" not in self._buffer:
            poll = select.poll()
            poll.register(self._stdout, select.POLLIN)
            assert poll.poll(max(0, deadline - time.monotonic()) * 1000), f"nothing came; {self.frames[-3:]}"
            data = os.read(self._stdout.fileno(), 1 << 20)
            if not data:
                return False
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        self._take(json.loads(line))
        return True

    def _take(self, frame: Frame) -> None:
        self.frames.append(frame)
        if "method" not in frame:
            method = self._methods.get(frame["id"], "_unknown")
            schema.check_answer(frame, method, schema.AGENT_RESULTS)
            self._answers[frame["id"]] = frame
            return
        schema.check_event(frame)
        if frame["method"] == "session/update":
            self.updates.append({**frame["params"]["update"], "sessionId": frame["params"]["sessionId"]})
        elif frame["method"] == "session/request_permission":
            outcome = self.permit(frame)
            if outcome is not None:
                self.send(id=frame["id"], result={"outcome": outcome})
        elif frame["method"].startswith("fs/"):
            self.send(id=frame["id"], **self.files(frame["method"], frame["params"]))
