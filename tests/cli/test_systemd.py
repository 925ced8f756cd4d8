"""A manager as systemd is one, as far as a service sees it: it holds the socket, starts the daemon, and hears how it does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.cli import exits
from runtime.client.sync import connect
from runtime.daemon.systemd import MAX_DIGITS, MAX_PASSED, ActivationError, Notifier, take_listener
from tests.cli.places import COMMAND, Place
from tests.patience import WAIT
from tests.system.daemon import Background

if TYPE_CHECKING:
    from collections.abc import Iterator

# As systemd does it: the descriptors from 3 on, and the number of the process that they are for.
LAUNCHER = """
import fcntl, os, sys
given, names, *command = sys.argv[1:]
descriptors = [int(number) for number in given.split(",") if number]
copies = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 100) for descriptor in descriptors]
os.closerange(3, 100)
for number, copy in enumerate(copies, 3):
    os.dup2(copy, number, inheritable=True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(descriptors))}
if names:
    os.environ["LISTEN_FDNAMES"] = names
os.execv(command[0], command)
"""


class Manager:
    """Holds a listening socket, and starts services with it."""

    def __init__(self, place: Place, notify: str) -> None:
        self.place = place
        place.socket.parent.mkdir(parents=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(place.socket))
        self.listener.listen()
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard.bind("\0" + notify[1:] if notify.startswith("@") else notify)
        self.heard.settimeout(WAIT)
        self.notify = notify
        self.services: list[subprocess.Popen[str]] = []

    def start(
        self, *arguments: str, sockets: tuple[Any, ...] | None = None, names: str = "torpor", **env: str
    ) -> subprocess.Popen[str]:
        passed = [each.fileno() for each in ((self.listener,) if sockets is None else sockets)]
        numbers = ",".join(map(str, passed))
        service = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, numbers, names, *COMMAND, "serve", *arguments],
            pass_fds=passed,
            env={**self.place.environment, "NOTIFY_SOCKET": self.notify, **env},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.services.append(service)
        return service

    def hear(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.heard.recv(4096).decode().splitlines())

    def close(self) -> None:
        for service in self.services:
            if service.poll() is None:
                service.kill()
            service.wait()
            assert service.stderr is not None
            service.stderr.close()
        self.listener.close()
        self.heard.close()


@pytest.fixture(params=["path", "abstract"])
def manager(place: Place, request: pytest.FixtureRequest) -> Iterator[Manager]:
    notify = str(place.directory / "notify") if request.param == "path" else f"@{place.directory.name}"
    manager = Manager(place, notify)
    yield manager
    manager.close()


@pytest.mark.parametrize("names", ["torpor", "torpor.socket", ""])
def test_a_service_is_activated_and_tells_how_it_does(manager: Manager, names: str) -> None:
    waiting = connect(manager.place.socket)  # before there is a daemon: the manager's socket takes it
    asked = waiting.start("daemon.status")
    service = manager.start(names=names)
    assert manager.hear() == {"READY": "1", "STATUS": f"ready on {manager.place.socket}"}
    assert waiting.wait(asked, WAIT)
    status = asked.result()
    waiting.close()
    assert (status["pid"], status["activated"], status["managed"]) == (service.pid, True, True)
    environ = Path(f"/proc/{service.pid}/environ").read_bytes()  # what it was started with, for the check below
    assert b"LISTEN_PID" in environ
    service.terminate()
    assert manager.hear() == {"STOPPING": "1"}
    assert service.wait(WAIT) == exits.OK
    assert manager.place.socket.is_socket()  # it is the manager's


def test_commands_meet_a_daemon_that_ended_idle(manager: Manager) -> None:
    """Nobody is lost: who connects between two daemons waits in the socket's queue."""
    place = manager.place
    first = manager.start("--idle-exit", "0.1")
    assert manager.hear()["READY"] == "1"
    assert first.wait(WAIT) == exits.OK
    assert manager.hear() == {"STOPPING": "1"}
    with place.popen("status", "--json") as command:
        manager.listener.settimeout(WAIT)
        second = manager.start()
        out, _ = command.communicate(timeout=WAIT)
    assert json.loads(out)["pid"] == second.pid


def test_stop_ends_the_daemon_and_not_its_manager(manager: Manager) -> None:
    service = manager.start()
    assert manager.hear()["READY"] == "1"
    done = manager.place.run("stop", "--json")
    assert json.loads(done.stdout)["pid"] == service.pid
    assert service.wait(WAIT) == exits.OK


def test_restart_has_the_manager_start_the_next_one(manager: Manager) -> None:
    first = manager.start()
    assert manager.hear()["READY"] == "1"

    def activate() -> subprocess.Popen[str]:
        assert first.wait(WAIT) == exits.OK
        return manager.start()

    with Background(activate) as following:
        done = manager.place.run("restart", "--json")
    assert done.returncode == exits.OK, done.stderr
    assert json.loads(done.stdout)["pid"] == following.result.pid


def test_restart_leaves_a_service_without_a_socket_to_systemd(manager: Manager) -> None:
    manager.listener.close()
    manager.place.socket.unlink()
    service = manager.start(sockets=())
    assert manager.hear()["READY"] == "1"
    done = manager.place.run("restart")
    assert done.returncode == exits.FAILED
    assert "systemctl --user restart torpor.service" in done.stderr
    assert service.poll() is None


def test_signs_of_life_come_as_long_as_the_loop_turns(manager: Manager) -> None:
    service = manager.start(WATCHDOG_USEC="200000")
    assert [manager.hear() for _ in range(5)].count({"WATCHDOG": "1"}) == 4  # and READY
    service.send_signal(signal.SIGSTOP)
    manager.heard.settimeout(0.5)

    def hear_no_more() -> None:
        for _ in range(100):  # what was sent before it stopped may still come
            manager.hear()

    with pytest.raises(TimeoutError):
        hear_no_more()
    service.send_signal(signal.SIGCONT)


def test_of_several_sockets_the_named_one_is_ours(manager: Manager) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(manager.place.directory / "other"))
        other.listen()
        manager.start(sockets=(other, manager.listener), names="other:torpor")
        assert manager.hear()["STATUS"] == f"ready on {manager.place.socket}"
        service = manager.start(sockets=(other, manager.listener), names="a:b")
        assert service.wait(WAIT) == exits.NO_DAEMON
        assert service.stderr is not None
        assert "of 2 sockets that were passed, 0 are called torpor" in service.stderr.read()


def test_what_is_no_listening_unix_socket_is_refused(manager: Manager) -> None:
    with socket.socket(socket.AF_INET) as tcp, socket.socket(socket.AF_UNIX) as idle, Path(os.devnull).open() as file:
        wrong = ((tcp, "no listening Unix stream"), (idle, "no listening Unix stream"), (file, "is no socket"))
        for passed, reason in wrong:
            service = manager.start(sockets=(passed,))
            assert service.wait(WAIT) == exits.NO_DAEMON
            assert service.stderr is not None
            assert reason in service.stderr.read()


def test_variables_for_somebody_else_are_left_alone() -> None:
    environment = {"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1", "WATCHDOG_PID": "1", "WATCHDOG_USEC": "5"}
    assert take_listener(environment) is None
    notifier = Notifier(environment)
    assert (notifier.managed, notifier.watched_seconds) == (False, None)
    notifier.ready("to nobody")
    assert environment == {}  # and no child takes them for its own


def test_so_many_sockets_are_looked_through() -> None:
    with pytest.raises(ActivationError, match=f"of {MAX_PASSED} sockets"):
        take_listener({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1000000000"})


@pytest.mark.parametrize("number", ["9" * (MAX_DIGITS + 1), "9" * 400, "9" * 5000, "-1", "\u0664", "1_0", ""])
def test_numbers_that_no_manager_writes_are_none(number: str) -> None:
    assert take_listener({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": number}) is None
    assert Notifier({"WATCHDOG_USEC": number}).watched_seconds is None


def test_the_largest_number_of_a_manager_is_one() -> None:
    assert Notifier({"WATCHDOG_USEC": str(2**64 - 1)}).watched_seconds == pytest.approx(2**64 * 1e-6)


def test_a_manager_that_has_gone_is_no_trouble(tmp_path: Path) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).stopping()


def test_the_units_are_written_and_systemd_reads_them(place: Place, tmp_path: Path) -> None:
    done = place.run("systemd", XDG_CONFIG_HOME=str(tmp_path / "a b%c"))
    assert done.returncode == exits.OK, done.stderr
    assert done.stdout == "systemctl --user daemon-reload && systemctl --user enable --now torpor.socket\n"
    directory = tmp_path / "a b%c" / "systemd" / "user"
    service = (directory / "torpor.service").read_text()
    assert f'ExecStart="{sys.executable}" "-P" "-m" "runtime.cli" serve --idle-exit' in service
    socket_unit = (directory / "torpor.socket").read_text()
    assert "ListenStream=%t/torpor/torpor.sock" in socket_unit
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed: whether systemd reads the units was not tested")
    units = [directory / "torpor.service", directory / "torpor.socket"]
    verified = subprocess.run(
        [analyze, "--user", "--man=no", "--recursive-errors=no", "verify", *units],
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
        env={**place.environment, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    assert "torpor" not in verified.stderr, verified.stderr
    assert verified.returncode == 0, verified.stderr
