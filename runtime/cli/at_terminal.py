"""A shell of a VM at this program's terminal, which passes on every key."""

from __future__ import annotations

import base64
import os
import select
import signal
import termios
import tty
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from runtime.api.defaults import COLUMNS, ROWS
from runtime.api.events import PROCESS_EXIT, SHELL_DATA, SUBSCRIPTION_LAGGED
from runtime.cli.attached import exit_code, to_bytes
from runtime.client.errors import ClientError, RpcError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client.sync import Client, Notification, Pending

PIECE: Final = 4096
"""Typed bytes that are sent at once: as many as wait at a terminal."""


class AtTerminal:
    """A shell whose terminal is this program's."""

    def __init__(self, client: Client, vm: str | list[str]) -> None:
        self._client = client
        self._vm = vm
        self._shell: dict[str, Any] = {"vm": vm}
        self._process: dict[str, Any] = {"vm": vm}
        self._calls: deque[Pending] = deque()
        self._listens = True
        self._shown = 0
        self._ending: dict[str, Any] | None = None

    def run(self, **start: Any) -> int:
        """Open a shell, with these params of `openShell`; return its exit code once it has ended."""
        with _woken() as woken:
            self._subscribe()
            names = self._client.call("openShell", vm=self._vm, **start, **_size())
            self._shell["shell"], self._process["pid"] = names["shell"], names["pid"]
            try:
                with _raw():
                    while self._ending is None:
                        self._step(woken)
            except BaseException:
                with suppress(ClientError):
                    self._client.call("closeShell", **self._shell)
                raise
        return exit_code(self._ending, "shell")

    def _subscribe(self) -> None:
        self._client.call("subscribe", vm=self._vm, types=[SHELL_DATA, PROCESS_EXIT])

    def _step(self, woken: int) -> None:
        """Wait for anything to happen, and see to it. Of a shell that shows much there is always more: keys have their turn."""
        notification = next(self._client.notifications(timeout=0), None)
        if notification is not None:
            self._take(notification)
        self._settle()  # after what has just arrived, with which an answer may have come
        poll = select.poll()
        poll.register(self._client, select.POLLIN)
        poll.register(woken, select.POLLIN)
        if self._listens and not self._calls:  # else keys wait at this terminal
            poll.register(0, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(None if notification is None else 0)}
        if woken in ready:
            self._wake(woken)
        if 0 in ready:
            self._read()

    def _read(self) -> None:
        try:
            data = os.read(0, PIECE)
        except OSError:  # the terminal is gone
            data = b""
        if data:
            content = {"base64": base64.b64encode(data).decode()}
            self._calls.append(self._client.start("writeShell", **self._shell, data=content))
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._listens:
            self._listens = False
            self._calls.append(self._client.start("closeShell", **self._shell))

    def _wake(self, woken: int) -> None:
        numbers = os.read(woken, 64)
        if signal.SIGHUP in numbers or signal.SIGTERM in numbers:
            self._hang_up()
        elif signal.SIGWINCH in numbers:
            try:
                size = _size()
            except OSError:  # the terminal is gone
                self._hang_up()
                return
            self._calls.append(self._client.start("resizeShell", **self._shell, **size))

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
        elif notification.method == SHELL_DATA and params["shell"] == self._shell["shell"]:
            self._show(params["offset"], to_bytes(params["data"]))
        elif notification.method == PROCESS_EXIT and params["pid"] == self._process["pid"]:
            self._ending = params

    def _catch_up(self) -> None:
        """Listen again, and take what came meanwhile from what the daemon keeps."""
        self._subscribe()
        found = self._client.call("getProcess", **self._process, output=True)
        kept = to_bytes(found["stdout"])
        self._show(found["stdoutBytes"] - len(kept), kept)
        if found["state"] == "ended":
            self._ending = found

    def _show(self, offset: int, data: bytes) -> None:
        """Show what was not shown before."""
        rest = memoryview(data)[max(0, self._shown - offset) :]
        self._shown = max(self._shown, offset + len(data))
        while rest:
            try:
                rest = rest[os.write(1, rest) :]
            except BlockingIOError:  # as another program has left the terminal
                select.select([], [1], [])
            except OSError:  # the terminal is gone
                self._hang_up()
                return


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
        with suppress(termios.error):  # it may be gone
            termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextmanager
def _woken() -> Iterator[int]:
    """A pipe that can be read when a signal has come: its number. SIGHUP and SIGTERM hang up the shell."""
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
