"""`torpor shell`, as a person uses it: at a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.api.defaults import PROTOCOL
from runtime.cli import exits
from runtime.version import VERSION
from tests.patience import WAIT
from tests.system.daemon import Vm, fresh_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.places import Place
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

    def __init__(self, daemon: Path, vm: str, *argv: str) -> None:
        self.end, self.terminal = pty.openpty()
        self.resize(30, 100)
        self.before = termios.tcgetattr(self.terminal)
        os.set_blocking(self.terminal, False)  # as a program has left it that shares the terminal
        self.program = subprocess.Popen(
            [*COMMAND, vm, "--", *argv],
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
            start_new_session=True,
            env={**os.environ, "TORPOR_SOCKET": str(daemon), "TERM": "dumb"},
        )

    def resize(self, rows: int, columns: int) -> None:
        """Have a window of another size."""
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        """Type."""
        os.write(self.end, keys)

    def see(self, most: int) -> bytes:
        """What is shown next."""
        assert select.select([self.end], [], [], WAIT)[0]
        return os.read(self.end, most)

    def until(self, text: str) -> str:
        """What is seen until the text has come."""
        seen = b""
        while text.encode() not in seen:
            seen += self.see(1)
        return seen.decode()

    def code(self) -> int:
        """The exit code; the terminal has to be as it was."""
        code = self.program.wait(WAIT)
        assert termios.tcgetattr(self.terminal) == self.before
        return code

    def close(self) -> None:
        """Close the window."""
        for descriptor in (self.end, self.terminal):
            os.close(descriptor)
        self.end = self.terminal = -1


@contextlib.contextmanager
def a_person(daemon: Path, vm: str, *argv: str) -> Iterator[Person]:
    """Somebody who leaves at the end."""
    person = Person(daemon, vm, *argv)
    try:
        yield person
    finally:
        person.program.kill()
        person.program.wait()
        if person.end >= 0:
            person.close()


@contextlib.contextmanager
def at_guest(daemon: Daemon, vm: Vm, mode: str) -> Iterator[Person]:
    """Somebody at the program that knows terminals, which has started."""
    with a_person(daemon.socket, vm.name, "terminal", mode) as person:
        person.until("ready")
        yield person


class ScriptedDaemon:
    """A daemon that says what its test lets it say. It has one client, which has opened a shell."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()

    def accept(self) -> None:
        """Serve the client until it has opened its shell."""
        self._listener.settimeout(WAIT)
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(WAIT)
        self._lines = self._connection.makefile("rb")
        for method, result in (
            ("hello", {"version": VERSION, "protocol": PROTOCOL}),
            ("subscribe", {}),
            ("openShell", {"shell": "shell-1", "pid": 1}),
        ):
            self.answer(self.hear(method), result)

    def hear(self, method: str) -> Any:
        """The next request, which is for this method."""
        request = json.loads(self._lines.readline())
        assert request["method"] == method
        return request

    def say(self, message: dict[str, Any], times: int = 1) -> None:
        """Send a message."""
        self._connection.sendall((json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n") * times)

    def answer(self, request: Any, result: dict[str, Any]) -> None:
        """Answer a request."""
        self.say({"id": request["id"], "result": result})

    def show(self, data: str, offset: int = 0, times: int = 1) -> None:
        """Have the shell show something; the same again is nothing new."""
        self.say({"method": "shellData", "params": {"shell": "shell-1", "offset": offset, "data": data}}, times)

    def exit(self, code: int) -> None:
        """Have the shell exit."""
        self.say({"method": "processExit", "params": {"pid": 1, "exitCode": code, "reason": "exit"}})

    def close(self) -> None:
        """Be gone."""
        self._lines.close()
        self._connection.close()
        self._listener.close()


@pytest.fixture
def scripted(place: Place) -> Iterator[tuple[Person, ScriptedDaemon]]:
    """Somebody at a shell of a daemon that says what the test lets it say."""
    daemon = ScriptedDaemon(place.socket)
    with a_person(place.socket, "vm") as person:
        daemon.accept()
        yield person, daemon
    daemon.close()


def test_lines(daemon: Daemon, vm: Vm) -> None:
    with at_guest(daemon, vm, "lines") as person:
        person.until("\r\n")
        person.type(b"helo\x7fp\r")
        assert person.until("got help\r\n") == "helo\b \bp\r\ngot help\r\n"
        for number in range(100):  # the answer to what was typed comes before, after or with what it leads to
            person.type(b"%d\r" % number)
            person.until(f"got {number}\r\n")
        person.type(b"\x04")
        person.until("end\r\n")
        assert person.code() == 7


def test_keys_and_sizes(daemon: Daemon, vm: Vm) -> None:
    with at_guest(daemon, vm, "signals") as person:
        person.until(" 30 100\r\n")
        person.type(b"\x03")
        person.until("signal 2, 30 100\r\n")
        person.resize(40, 120)
        person.program.send_signal(signal.SIGWINCH)  # the terminal controls no session of this test's
        person.until("signal 28, 40 120\r\n")
        person.type(b"\x1c")
        person.until("signal 3, 40 120\r\n")
        assert person.code() == 0


def test_a_hangup_ends_the_shell(daemon: Daemon, vm: Vm) -> None:
    with at_guest(daemon, vm, "signals") as person:
        person.program.send_signal(signal.SIGHUP)
        assert person.code() == 3


def test_a_shell_that_is_killed(daemon: Daemon, vm: Vm) -> None:
    with at_guest(daemon, vm, "lines") as person:
        person.type(b"\x1c")
        person.until("did not exit")
        assert person.code() == 137


def test_keys_are_heard_however_much_is_shown(scripted: tuple[Person, ScriptedDaemon]) -> None:
    person, daemon = scripted
    heard = threading.Event()

    def flood() -> None:
        while not heard.is_set():
            daemon.show("x", times=10_000)

    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        person.until("x")
        person.type(b"\x03")
        request = daemon.hear("writeShell")
    finally:
        heard.set()
        flooding.join()
    assert request["params"]["data"] == {"base64": "Aw=="}
    daemon.answer(request, {})
    daemon.exit(130)
    assert person.code() == 130


def test_a_slow_terminal_is_shown_everything(scripted: tuple[Person, ScriptedDaemon]) -> None:
    person, daemon = scripted
    daemon.show("x" * 300_000)
    daemon.exit(0)
    seen = 0
    while seen < 300_000:
        seen += len(person.see(10_000))
    assert person.code() == 0


def test_a_window_that_is_closed_hangs_up(scripted: tuple[Person, ScriptedDaemon]) -> None:
    person, daemon = scripted
    daemon.show("$ ")
    person.until("$ ")
    person.program.send_signal(signal.SIGSTOP)
    person.close()
    daemon.show("\r\nmore", offset=2)
    person.program.send_signal(signal.SIGCONT)
    request = daemon.hear("closeShell")
    daemon.show("exit\r\n", offset=8)
    daemon.answer(request, {})
    daemon.exit(129)
    assert person.program.wait(WAIT) == 129


def test_an_interrupt_from_elsewhere_hangs_up(scripted: tuple[Person, ScriptedDaemon]) -> None:
    person, daemon = scripted
    daemon.show("$ ")
    person.until("$ ")
    person.program.send_signal(signal.SIGINT)
    daemon.answer(daemon.hear("closeShell"), {})
    assert person.code() == exits.INTERRUPTED


def test_a_daemon_that_dies_leaves_the_terminal_as_it_was(scripted: tuple[Person, ScriptedDaemon]) -> None:
    person, daemon = scripted
    daemon.show("$ ")
    person.until("$ ")
    daemon.close()
    person.until("closed the connection")
    assert person.code() == exits.NO_DAEMON


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
