"""The one loop of `torpor acp`: bytes from the editor and the daemon in, lines for them out.

Neither side may hold up the other. What cannot be written yet is kept, and while much is kept for one side the other is
not read: an editor that does not listen makes its subscriptions lag in the end, which costs the daemon nothing.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING, Final

from runtime.api.endpoint import MAX_MESSAGE
from runtime.cli import exits, output
from runtime.cli.acp.errors import RefusedError
from runtime.cli.acp.wire import MAX_LINE, LineError
from runtime.jsonrpc import INTERNAL_ERROR, Lines

if TYPE_CHECKING:
    import socket
    from collections import deque

    from runtime.cli.acp.face import Face

READ_SIZE: Final = 256 * 1024
"""Bytes read at a time, of either side: what the daemon writes at a time."""

WRITE_SIZE: Final = select.PIPE_BUF
"""Bytes of one write to the editor: what a pipe takes without blocking once poll(2) says that it is writable. Its
descriptor is shared with whoever started us, so that it is not ours to make non-blocking."""

UNREAD: Final = 4 * 1024 * 1024
"""Bytes that may wait for one side before the other is no longer read: a page or two of a replay."""
EXIT_SECONDS: Final = 8.0
"""How long the end may take, with a turn to cancel and a VM to put to sleep: more than the grace of a cancel."""

_GONE: Final = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Loop:
    """Moves bytes until the editor has gone or the daemon has."""

    def __init__(self, face: Face, daemon: socket.socket, stdin: int, stdout: int) -> None:
        self._face = face
        self._daemon = daemon
        self._stdin = stdin
        self._stdout = stdout
        self._from_editor = Lines(MAX_LINE)
        self._from_daemon = Lines(MAX_MESSAGE)
        self._editor_buffer = bytearray()
        self._daemon_buffer = bytearray()
        self._deadline: float | None = None  # the editor has gone; this is when we have
        self._deaf = False  # nobody reads stdout any more
        self._lost = False
        self._signals = -1

    def run(self) -> int:
        """Serve; return the exit code."""
        self._signals, writer = os.pipe()
        os.set_blocking(writer, False)
        before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
        woken = signal.set_wakeup_fd(writer)
        try:
            self._collect()
            while not self._over():
                self._wait()
                self._collect()
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(writer)
            os.close(self._signals)
        return exits.NO_DAEMON if self._lost else exits.OK

    def _over(self) -> bool:
        if self._lost:
            return True
        late = self._deadline is not None and time.monotonic() >= self._deadline
        return late or (self._face.finished and not self._face.flows.busy and not self._editor_buffer)

    def _collect(self) -> None:
        for lines, buffer in (
            (self._face.flows.to_editor, self._editor_buffer),
            (self._face.flows.to_daemon, self._daemon_buffer),
        ):
            _drain(lines, buffer)
        if self._deaf:
            self._editor_buffer.clear()

    def _wait(self) -> None:
        """Wait for whatever comes first, and serve it."""
        poll = select.poll()
        poll.register(self._signals, select.POLLIN)
        if self._deadline is None and len(self._daemon_buffer) < UNREAD:
            poll.register(self._stdin, select.POLLIN)
        if self._editor_buffer:
            poll.register(self._stdout, select.POLLOUT)
        events = (select.POLLIN if len(self._editor_buffer) < UNREAD else 0) | (
            select.POLLOUT if self._daemon_buffer else 0
        )
        if events:
            poll.register(self._daemon, events)
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic()) * 1000
        ready = dict(poll.poll(left))
        if self._signals in ready:
            os.read(self._signals, READ_SIZE)
            self._end()
        if ready.get(self._stdout, 0) & (select.POLLOUT | _GONE):
            self._write_editor()
        if found := ready.get(self._daemon.fileno(), 0):
            self._serve_daemon(found)
        if self._stdin in ready and not self._lost:
            self._read_editor()

    def _read_editor(self) -> None:
        try:
            data = os.read(self._stdin, READ_SIZE)
        except OSError as error:
            output.say(f"stdin: {error.strerror}")
            data = b""
        self._from_editor.push(data or b"\n")
        for line in self._from_editor:
            self._face.hear_editor(line)
        if not data:
            self._end()

    def _write_editor(self) -> None:
        try:
            written = os.write(self._stdout, self._editor_buffer[:WRITE_SIZE])
        except OSError:
            self._deaf = True
            self._end()
            return
        del self._editor_buffer[:written]

    def _serve_daemon(self, found: int) -> None:
        try:
            if found & select.POLLOUT:
                del self._daemon_buffer[: self._daemon.send(self._daemon_buffer[:READ_SIZE])]
            if found & (select.POLLIN | _GONE):
                data = self._daemon.recv(READ_SIZE)
                if not data:
                    self._lose("the daemon has closed the connection")
                self._from_daemon.push(data)
                for line in self._from_daemon:
                    self._face.hear_daemon(line)
        except BlockingIOError:
            pass
        except LineError as error:
            self._lose(f"what answers is no daemon: {error.message}")
        except OSError as error:
            self._lose(f"the daemon has gone: {error.strerror}")

    def _end(self) -> None:
        """The editor has gone, or wants us to: end its turns, and let its sessions sleep."""
        if self._deadline is None:
            self._deadline = time.monotonic() + EXIT_SECONDS
            self._face.finish()

    def _lose(self, reason: str) -> None:
        """Tell the editor as far as it listens; sessions and turns are the daemon's, and are in its state file."""
        self._lost = True
        output.say(reason)
        self._face.flows.fail(RefusedError(INTERNAL_ERROR, reason))
        self._collect()
        while self._editor_buffer and not self._deaf:
            poll = select.poll()
            poll.register(self._stdout, select.POLLOUT)
            if not poll.poll(EXIT_SECONDS * 1000):
                return
            self._write_editor()


def _drain(lines: deque[bytes], buffer: bytearray) -> None:
    while lines:
        buffer += lines.popleft()
