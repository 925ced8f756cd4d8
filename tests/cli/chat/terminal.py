"""`torpor chat` as a person uses it: at a terminal, of which is seen what a terminal shows."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pyte

from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMAND = [sys.executable, "-P", "-m", "runtime.cli"]

TICK = 0.05
"""Seconds between two looks whether the program has ended: the terminal does not tell, as the test has it open too."""

ESCAPE, ENTER, INTERRUPT, END = "\x1b", "\r", "\x03", "\x04"


class Terminal:
    """A terminal with a program at it."""

    def __init__(self, *arguments: str, rows: int = 30, columns: int = 80, **env: str) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.ByteStream(self.screen)
        self.written = b""
        self.end, terminal = pty.openpty()
        self._size(rows, columns)
        self.before = termios.tcgetattr(terminal)
        self._terminal = terminal
        self.program = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "NO_COLOR": "", **env},
        )

    def type(self, keys: str) -> None:
        """Type."""
        os.write(self.end, keys.encode())

    def lines(self) -> list[str]:
        """What has scrolled away, and what is shown."""
        above = [
            "".join(line[column].data for column in range(self.screen.columns)) for line in self.screen.history.top
        ]
        return [line.rstrip() for line in (*above, *self.screen.display)]

    def shows(self, *texts: str) -> bool:
        """Whether all of this can be read, in this order."""
        rest = "\n".join(self.lines())
        for text in texts:
            _, found, rest = rest.partition(text)
            if not found:
                return False
        return True

    def until(self, *texts: str) -> None:
        """Look until all of this can be read, in this order."""
        self.wait(lambda: self.shows(*texts), texts)

    def wait(self, is_so: Callable[[], bool], what: object) -> None:
        """Look until it is so."""
        deadline = time.monotonic() + WAIT
        while not is_so():
            has_ended = self.program.poll() is not None
            if not self._read(TICK):
                assert not has_ended, f"it ended before {what}; seen:\n" + "\n".join(self.lines())
                assert time.monotonic() < deadline, f"waited for {what}, and saw:\n" + "\n".join(self.lines())

    def resize(self, rows: int, columns: int) -> None:
        """Be a window of another size."""
        self.screen.resize(rows, columns)
        self._size(rows, columns)
        self.program.send_signal(signal.SIGWINCH)

    def _size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def code(self) -> int:
        """The exit code; the terminal has to be as it was."""
        self.wait_for_end()
        assert termios.tcgetattr(self._terminal) == self.before
        return self.program.returncode

    def wait_for_end(self) -> None:
        """Read on until the program has ended."""
        while self.program.poll() is None:
            self._read(TICK)
        while self._read(0):
            pass

    def _read(self, seconds: float) -> bool:
        """Show what the program writes within so long, if it does."""
        if not select.select([self.end], [], [], seconds)[0]:
            return False
        data = os.read(self.end, 65536)
        self.written += data
        self._stream.feed(data)
        return True

    def close(self) -> None:
        """Close the window."""
        self.program.kill()
        self.program.wait()
        for descriptor in (self.end, self._terminal):
            os.close(descriptor)


@contextlib.contextmanager
def at_terminal(*arguments: str, rows: int = 30, columns: int = 80, **env: str) -> Iterator[Terminal]:
    """A terminal that is closed in the end."""
    terminal = Terminal(*arguments, rows=rows, columns=columns, **env)
    try:
        yield terminal
    finally:
        terminal.close()
