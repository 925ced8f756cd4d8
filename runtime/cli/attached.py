"""A command in a VM on this program's own streams."""

from __future__ import annotations

import base64
import os
import select
import signal
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from runtime.api.events import PROCESS_EXIT, PROCESS_OUTPUT, SUBSCRIPTION_LAGGED
from runtime.cli import exits, output
from runtime.client.sync import RpcError

if TYPE_CHECKING:
    from runtime.client.sync import Client, Notification, Pending

TICK: Final = 200
"""Milliseconds between looks for a Ctrl-C: its handler only takes a note."""

PIECE: Final = 64 * 1024
"""Bytes of stdin that are sent at once."""

MAX_UNWRITTEN: Final = 64 * 1024 * 1024
"""Bytes of output that are kept for a reader who is slower than the command; then nothing more is taken from the daemon, which
ends the subscription of one that lags, and keeps the end of the output."""

ENDINGS: Final = {"timeout": 124, "trap": 134, "fault": 134, "killed": 137, "out_of_fuel": 152}
"""Exit codes for commands that did not exit: as of timeout(1), and 128 with the signal that a Unix would have sent."""

OTHER_ENDING: Final = 125
"""As of env(1) and others of its kind, for what is their own fault."""


class Attached:
    """A command whose streams are this program's."""

    def __init__(self, client: Client, vm: str | list[str], pid: int, *, as_json: bool) -> None:
        self._client = client
        self._ids: dict[str, Any] = {"vm": vm, "pid": pid}
        self._as_json = as_json
        self._interrupted = False
        self._input: int | None = 0
        self._sending: Pending | None = None
        self._seen = {"stdout": 0, "stderr": 0}
        self._unwritten: deque[tuple[int, bytes]] = deque()
        self._unwritten_bytes = 0
        self._ending: dict[str, Any] | None = None

    def run(self) -> int:
        """Pass on what comes until the command has ended and all of its output is written."""
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            while self._ending is None or self._unwritten:
                self._step()
                if self._interrupted and self._ending is None:
                    self._client.call("killProcess", **self._ids)
        except BrokenPipeError:
            self._client.call("killProcess", **self._ids)
            raise
        finally:
            signal.signal(signal.SIGINT, before)
        if self._as_json:
            output.write_json({"type": "exit", **self._ending})
        if self._interrupted:
            return exits.INTERRUPTED
        return exit_code(self._ending, None if self._as_json else "command")

    def _on_interrupt(self, *_: object) -> None:
        self._interrupted = True

    def _step(self) -> None:
        """Wait for anything to happen, and see to it. Where output floods in, the rest has its turn."""
        notification = None
        if self._unwritten_bytes < MAX_UNWRITTEN and self._ending is None:
            notification = next(self._client.notifications(timeout=0), None)
        if notification is not None:
            self._take(notification)
        self._settle_input()
        poll = select.poll()
        if self._unwritten_bytes < MAX_UNWRITTEN and self._ending is None:
            poll.register(self._client, select.POLLIN)
        if self._unwritten:
            poll.register(self._unwritten[0][0], select.POLLOUT)
        if self._input is not None and self._sending is None and self._ending is None:
            poll.register(self._input, select.POLLIN)
        at_once = notification is not None or (self._ending is not None and not self._unwritten)
        for ready, _ in poll.poll(0 if at_once else TICK):
            if self._unwritten and ready == self._unwritten[0][0]:
                self._write()
            elif ready == self._input:
                self._read()

    def _read(self) -> None:
        assert self._input is not None
        data = os.read(self._input, PIECE)
        if data:
            content = {"base64": base64.b64encode(data).decode()}
            self._sending = self._client.start("writeProcessStdin", **self._ids, data=content)
        else:
            self._sending = self._client.start("closeProcessStdin", **self._ids)
            self._input = None

    def _settle_input(self) -> None:
        if self._sending is not None and self._sending.done:
            try:
                self._sending.result()
            except RpcError:  # it reads no more
                self._input = None
            self._sending = None

    def _take(self, notification: Notification) -> None:
        params = notification.params
        if notification.method == SUBSCRIPTION_LAGGED:
            self._catch_up()
        elif params.get("pid") != self._ids["pid"]:
            return
        elif notification.method == PROCESS_EXIT:
            self._ending = {name: params[name] for name in ("exitCode", "reason", "detail") if name in params}
        elif notification.method == PROCESS_OUTPUT:
            self._put(params["stream"], params["offset"], to_bytes(params["data"]))

    def _catch_up(self) -> None:
        """Listen again, and take what came meanwhile from what the daemon keeps."""
        self._client.call("subscribe", vm=self._ids["vm"], types=[PROCESS_OUTPUT, PROCESS_EXIT])
        found = self._client.call("getProcess", **self._ids, output=True)
        for stream in self._seen:
            kept = to_bytes(found[stream])
            self._put(stream, found[f"{stream}Bytes"] - len(kept), kept)
        if found["state"] == "ended":
            self._ending = {name: found[name] for name in ("exitCode", "reason", "detail") if name in found}

    def _put(self, stream: str, offset: int, data: bytes) -> None:
        """Have output written, but for what was already."""
        seen = self._seen[stream]
        if offset > seen:
            output.say(f"{offset - seen} bytes of {stream} are lost: they came faster than they were read")
        data = data[max(0, seen - offset) :]
        self._seen[stream] = max(seen, offset) + len(data)
        if not data:
            return
        descriptor = 1 if stream == "stdout" else 2
        if self._as_json:
            told = {"type": "output", "stream": stream, "data": _content(data)}
            output.write_json(told)
            return
        if os.isatty(descriptor):
            data = output.printable(data.decode(errors="replace")).encode()
        self._unwritten.append((descriptor, data))
        self._unwritten_bytes += len(data)

    def _write(self) -> None:
        """Write as much as there is room for: a pipe that is ready takes so much without making us wait."""
        descriptor, data = self._unwritten.popleft()
        written = os.write(descriptor, data[: select.PIPE_BUF])
        self._unwritten_bytes -= written
        if written < len(data):
            self._unwritten.appendleft((descriptor, data[written:]))


def exit_code(ending: dict[str, Any], what: str | None) -> int:
    """What to exit with after a process has ended so; `what` did is told where it did not exit by itself."""
    code: int | None = ending["exitCode"]
    if code is not None:
        return code & 0xFF
    if what is not None:
        output.say(f"the {what} did not exit: {ending.get('detail') or ending['reason']}")
    return ENDINGS.get(ending["reason"], OTHER_ENDING)


def to_bytes(content: str | dict[str, str]) -> bytes:
    """Return a content of the wire form as bytes."""
    return content.encode() if isinstance(content, str) else base64.b64decode(content["base64"])


def _content(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
