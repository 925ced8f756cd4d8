"""`torpor shell`, as a person uses it: at a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.cli import exits
from tests.patience import WAIT
from tests.system.daemon import Vm, fresh_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.daemon import Daemon

GUEST = Path(__file__).parents[1] / "guests" / "dist" / "libc_terminal.wasm"
COMMAND = [sys.executable, "-P", "-m", "runtime.cli", "shell"]


@pytest.fixture
def vm(daemon: Daemon) -> Iterator[Vm]:
    """A VM with a program that knows terminals."""
    with daemon.connect() as api:
        made = Vm(api, fresh_name("cli"))
        api.client.vm.get(made.name).write_file("/bin/terminal", GUEST.read_bytes())
        yield made
        made.call("vm.destroy")


class Person:
    """Somebody at a terminal, who has started `torpor shell`."""

    def __init__(self, daemon: Daemon, vm: Vm, *argv: str) -> None:
        self.end, self.terminal = pty.openpty()
        self.resize(30, 100)
        self.before = termios.tcgetattr(self.terminal)
        self.program = subprocess.Popen(
            [*COMMAND, vm.name, "--", *argv],
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
            start_new_session=True,
            env={**os.environ, "TORPOR_SOCKET": str(daemon.socket), "TERM": "dumb"},
        )

    def resize(self, rows: int, columns: int) -> None:
        """Have a window of another size."""
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        """Type."""
        os.write(self.end, keys)

    def until(self, text: str) -> str:
        """What is seen until the text has come."""
        seen = b""
        deadline = time.monotonic() + WAIT
        while text.encode() not in seen:
            assert select.select([self.end], [], [], max(0, deadline - time.monotonic()))[0], seen
            seen += os.read(self.end, 1)
        return seen.decode()

    def code(self) -> int:
        """The exit code; the terminal has to be as it was."""
        code = self.program.wait(WAIT)
        assert termios.tcgetattr(self.terminal) == self.before
        return code

    def close(self) -> None:
        """Close the window."""
        os.close(self.end)
        os.close(self.terminal)


def test_lines(daemon: Daemon, vm: Vm) -> None:
    person = Person(daemon, vm, "terminal", "lines")
    person.until("ready\r\n")
    person.type(b"helo\x7fp\r")
    assert person.until("got help\r\n") == "helo\b \bp\r\ngot help\r\n"
    person.type(b"\x04")
    person.until("end\r\n")
    assert person.code() == 7
    person.close()


def test_many_lines_one_after_another(daemon: Daemon, vm: Vm) -> None:
    person = Person(daemon, vm, "terminal", "lines")
    person.until("ready\r\n")
    for number in range(100):  # the answer to what was typed comes before, after or with what it leads to
        person.type(b"%d\r" % number)
        person.until(f"got {number}\r\n")
    person.type(b"\x04")
    assert person.code() == 7
    person.close()


def test_keys_and_sizes(daemon: Daemon, vm: Vm) -> None:
    person = Person(daemon, vm, "terminal", "signals")
    person.until("ready 30 100\r\n")
    person.type(b"\x03")
    person.until("signal 2, 30 100\r\n")
    person.resize(40, 120)
    os.kill(person.program.pid, 28)  # SIGWINCH: the terminal controls no session of this test's
    person.until("signal 28, 40 120\r\n")
    person.type(b"\x1c")
    person.until("signal 3, 40 120\r\n")
    assert person.code() == 0
    person.close()


def test_a_window_that_is_closed_hangs_up(daemon: Daemon, vm: Vm) -> None:
    person = Person(daemon, vm, "terminal", "signals")
    person.until("ready")
    os.kill(person.program.pid, 1)
    assert person.code() == 3
    person.close()


def test_a_shell_that_is_killed(daemon: Daemon, vm: Vm) -> None:
    person = Person(daemon, vm, "terminal", "lines")
    person.until("ready\r\n")
    person.type(b"\x1c")
    person.until("did not exit")
    assert person.code() == 137
    person.close()


def test_what_is_no_terminal(daemon: Daemon, vm: Vm) -> None:
    done = subprocess.run(
        [*COMMAND, vm.name],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=WAIT,
        check=False,
        env={**os.environ, "TORPOR_SOCKET": str(daemon.socket)},
    )
    assert done.returncode == exits.USAGE
    assert b"needs a terminal" in done.stderr
