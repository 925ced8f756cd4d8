"""`torpor shell` at work: the user's terminal, raw, and the shell of a VM."""

from __future__ import annotations

import base64
import os
import select
import signal
import sys
import termios
import tty
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from runtime.api.defaults import COLUMNS, ROWS
from runtime.api.events import PROCESS_EXIT, SHELL_DATA, SUBSCRIPTION_LAGGED
from runtime.cli import exits, output
from runtime.cli.attached import ENDINGS, OTHER_ENDING
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.table import UsageError, environment
from runtime.client.sync import RpcError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from runtime.client.sync import Client, Notification, Pending

PIECE: Final = 4096
"""Typed bytes that are sent at once: as many as wait at a terminal."""


def shell(args: argparse.Namespace) -> int:
    """Run a shell; return its exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        output.say("shell needs a terminal; `torpor exec` runs a command without one")
        return exits.USAGE
    try:
        env = environment(args.env)
    except UsageError as error:
        output.say(str(error))
        return exits.USAGE
    if "TERM" in os.environ:
        env = {"TERM": os.environ["TERM"], **env}
    with connect_to(args) as client, _woken() as woken:
        vm = vm_name(args.vm)
        client.call("subscribe", vm=vm, types=[SHELL_DATA, PROCESS_EXIT])
        names = client.call("openShell", vm=vm, argv=args.argv or None, env=env, cwd=args.cwd, **_size())
        with _raw():
            ending = _AtTerminal(client, vm, names, woken).run()
    code: int | None = ending["exitCode"]
    if code is not None:
        return code & 0xFF
    output.say(f"the shell did not exit: {ending.get('detail') or ending['reason']}")
    return ENDINGS.get(ending["reason"], OTHER_ENDING)


def _size() -> dict[str, int]:
    columns, rows = os.get_terminal_size(0)
    return {"rows": rows or ROWS, "columns": columns or COLUMNS}  # a terminal may not know its size


@contextmanager
def _raw() -> Iterator[None]:
    """Have this terminal pass on every key, and restore it."""
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextmanager
def _woken() -> Iterator[int]:
    """A pipe that can be read when a signal has come: its number. SIGHUP and SIGTERM end the shell, too."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    numbers = (signal.SIGWINCH, signal.SIGHUP, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    waker = signal.set_wakeup_fd(writer)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(waker)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


class _AtTerminal:
    """Passes on keys, output and sizes until the shell has ended."""

    def __init__(self, client: Client, vm: str | list[str], names: dict[str, Any], woken: int) -> None:
        self._client = client
        self._ids = {"vm": vm, "shell": names["shell"]}
        self._process = {"vm": vm, "pid": names["pid"]}
        self._woken = woken
        self._calls: deque[Pending] = deque()
        self._listens = True
        self._shown = 0
        self._ending: dict[str, Any] | None = None

    def run(self) -> dict[str, Any]:
        """How it has ended."""
        while True:
            for notification in self._client.notifications(timeout=0):
                self._take(notification)
            self._settle()  # after what has just arrived, with which an answer may have come
            if self._ending is not None:
                return self._ending
            poll = select.poll()
            poll.register(self._client, select.POLLIN)
            poll.register(self._woken, select.POLLIN)
            if self._listens and not self._calls:  # else keys wait at this terminal
                poll.register(0, select.POLLIN)
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._woken in ready:
                self._wake()
            if 0 in ready:
                self._read()

    def _read(self) -> None:
        try:
            data = os.read(0, PIECE)
        except OSError:  # the terminal is gone
            data = b""
        if data:
            content = {"base64": base64.b64encode(data).decode()}
            self._calls.append(self._client.start("writeShell", **self._ids, data=content))
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._listens:
            self._listens = False
            self._calls.append(self._client.start("closeShell", **self._ids))

    def _wake(self) -> None:
        numbers = os.read(self._woken, 64)
        if signal.SIGHUP in numbers or signal.SIGTERM in numbers:
            self._hang_up()
        elif signal.SIGWINCH in numbers:
            self._calls.append(self._client.start("resizeShell", **self._ids, **_size()))

    def _settle(self) -> None:
        while self._calls and self._calls[0].done:
            try:
                self._calls.popleft().result()
            except RpcError:  # it has ended, of which a notification tells
                continue

    def _take(self, notification: Notification) -> None:
        params = notification.params
        if notification.method == SUBSCRIPTION_LAGGED:
            self._catch_up()
        elif notification.method == SHELL_DATA and params["shell"] == self._ids["shell"]:
            self._show(params["offset"], _bytes(params["data"]))
        elif notification.method == PROCESS_EXIT and params["pid"] == self._process["pid"]:
            self._ending = params

    def _catch_up(self) -> None:
        """Listen again, and take what came meanwhile from what the daemon keeps."""
        self._client.call("subscribe", vm=self._ids["vm"], types=[SHELL_DATA, PROCESS_EXIT])
        found = self._client.call("getProcess", **self._process, output=True)
        kept = _bytes(found["stdout"])
        self._show(found["stdoutBytes"] - len(kept), kept)
        if found["state"] == "ended":
            self._ending = found

    def _show(self, offset: int, data: bytes) -> None:
        """Show what was not shown before."""
        rest = memoryview(data)[max(0, self._shown - offset) :]
        self._shown = max(self._shown, offset + len(data))
        while rest:
            rest = rest[os.write(1, rest) :]


def _bytes(content: str | dict[str, str]) -> bytes:
    return content.encode() if isinstance(content, str) else base64.b64decode(content["base64"])
