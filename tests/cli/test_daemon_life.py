"""How a daemon comes and goes: started by commands, asked for its status, stopped, restarted, left idle."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from runtime.api.endpoint import EndpointError
from runtime.cli import exits, starting
from runtime.client.sync import ConnectError, connect
from runtime.memory import machine_bytes
from runtime.version import VERSION
from tests.cli.places import COMMAND, Place
from tests.patience import WAIT


def gone(pid: int) -> bool:
    """Wait until a process that is not ours has ended."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poll = select.poll()
    poll.register(process, select.POLLIN)
    ended = bool(poll.poll(WAIT * 1000))
    os.close(process)
    return ended


@pytest.mark.parametrize("words", [["agents"], ["vms"], ["sessions"], ["fs", "ls", "/"], ["sleep", "none"]])
def test_every_client_command_starts_a_daemon(place: Place, words: list[str]) -> None:
    done = place.run(*words)
    assert done.returncode in (exits.OK, exits.FAILED)  # `none` and its files are not there: but somebody said so
    assert done.stderr.startswith(f"torpor: starting a daemon on {place.socket} (`torpor stop` ends it)\n")
    assert place.status()["running"] is True
    again = place.run(*words)
    assert "starting" not in again.stderr


def test_no_start_starts_none(place: Place) -> None:
    done = place.run("agents", "--no-start")
    assert (done.returncode, done.stdout) == (exits.NO_DAEMON, "")
    assert done.stderr == f"torpor: no daemon answers at {place.socket}: there is no socket\n"
    assert not place.state.exists()


def test_those_who_race_start_one(place: Place) -> None:
    racers = [place.popen("vms", "--json") for _ in range(6)]
    ends = [(racer.communicate(timeout=WAIT), racer.returncode) for racer in racers]
    assert [code for _, code in ends] == [exits.OK] * len(racers), ends
    assert sum("starting a daemon" in err for (_, err), _ in ends) == 1
    assert sum("is ready on" in line["message"] for line in place.log()) == 1


def test_a_daemon_of_a_terminal_that_is_just_coming_up_is_waited_for(place: Place) -> None:
    with place.popen("serve") as serving:
        done = place.run("vms")
        assert done.returncode == exits.OK, done.stderr
        assert place.run("stop").returncode == exits.OK
        while serving.poll() is None:  # the command's own daemon may have been first, and this one comes up after it
            place.run("stop")
        assert serving.returncode in (exits.OK, exits.ALREADY_RUNNING)


def test_a_started_daemon_belongs_to_nobody(place: Place) -> None:
    place.run("vms")
    pid = place.status()["pid"]
    assert os.getsid(pid) == pid
    assert str(Path(f"/proc/{pid}/cwd").readlink()) == "/"
    assert str(Path(f"/proc/{pid}/fd/0").readlink()) == "/dev/null"
    assert str(Path(f"/proc/{pid}/fd/2").readlink()) == f"{place.state}.stderr"
    assert "--idle-exit" in place.status()["arguments"]


def test_why_it_could_not_start_is_shown(place: Place) -> None:
    place.state.parent.mkdir(parents=True)
    place.state.write_text("no database " * 1000)
    done = place.run("vms")
    assert done.returncode == exits.NO_DAEMON
    assert f"torpor: the daemon did not start: {place.state} is not a sound Torpor state file" in done.stderr


def test_status(place: Place) -> None:
    begun_at = time.monotonic()
    done = place.run("status")
    assert (done.returncode, done.stdout) == (exits.NO_DAEMON, "")
    assert f"no daemon answers at {place.socket}" in done.stderr
    done = place.run("status", "--json")
    assert done.returncode == exits.NO_DAEMON
    assert json.loads(done.stdout) == {
        "running": False,
        "socket": str(place.socket),
        "state": str(place.state),
        "stateBytes": None,
        "reason": "there is no socket",
    }
    assert place.run("run", "echo", "say hello", "--vm", "a", "--keep").returncode == exits.OK
    shown = place.run("status")
    assert shown.returncode == exits.OK
    rows = dict(line.split(maxsplit=1) for line in shown.stdout.splitlines())
    status = place.status()
    assert rows["daemon"].startswith(f"torpor {VERSION}, process {status['pid']}, up ")
    assert rows["socket"] == str(place.socket)
    assert rows["state"].startswith(f"{place.state} (")
    assert re.match(r"[0-9.]+ MB", rows["memory"])
    assert rows["VMs"] == "1 awake, 0 asleep"
    assert rows["sessions"] == "1 live, in 1 processes"
    assert rows["clients"] == "0 besides this one"
    assert rows["memory"].endswith(" MB, all guests included")
    assert status["memoryBytes"] < status["maxMemoryBytes"] < machine_bytes()
    assert rows["max"].startswith("memory ")
    assert rows["max"].endswith("B: above it no other guest starts")
    assert status["stateBytes"] >= place.state.stat().st_size > 0
    assert (status["awake"], status["sessions"], status["busy"], status["activated"]) == (1, 1, 0, False)
    assert 0 <= status["uptimeSeconds"] <= time.monotonic() - begun_at


def test_restart_comes_back_as_it_was(place: Place) -> None:
    serving = place.popen("serve", "--http", "127.0.0.1:0", "--idle-exit", "500", "--log-level", "debug")
    assert serving.stderr is not None
    assert serving.stderr.readline().startswith(f"torpor: ready on {place.socket} and http://127.0.0.1:")
    assert place.run("run", "echo", "say hello", "--session", "s").returncode == exits.OK
    before = place.status()
    done = place.run("restart")
    assert done.returncode == exits.OK, done.stderr
    after = place.status()
    assert done.stderr.endswith(f"torpor: torpor {VERSION} serves {place.socket} (process {after['pid']})\n")
    assert serving.wait(WAIT) == exits.OK
    serving.stderr.close()
    assert serving.stdout is not None
    serving.stdout.close()
    assert after["pid"] != before["pid"]
    assert {name: after[name] for name in ("socket", "state", "log", "arguments", "idleExitSeconds")} == {
        name: before[name] for name in ("socket", "state", "log", "arguments", "idleExitSeconds")
    }
    assert after["http"].startswith("http://127.0.0.1:")
    assert "hello" in place.run("events", "s").stdout


def test_restart_starts_one_where_there_is_none(place: Place) -> None:
    done = place.run("restart", "--json")
    assert done.returncode == exits.OK
    assert json.loads(done.stdout)["pid"] == place.status()["pid"]


def test_stop_ends_a_daemon_that_was_started_and_says_so(place: Place) -> None:
    place.run("vms")
    pid = place.status()["pid"]
    done = place.run("stop", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (exits.OK, {"pid": pid, "stopped": True})
    assert gone(pid)
    assert not place.socket.exists()


def test_two_daemons_on_one_state_file(place: Place) -> None:
    place.run("vms")
    pid = place.status()["pid"]
    done = place.run("serve", "--socket", str(place.directory / "other"))
    assert done.returncode == exits.ALREADY_RUNNING
    assert f"torpor: another Torpor daemon (pid {pid}) has {place.state} open\n" in done.stderr
    done = place.run("serve", "--state", str(place.directory / "other.db"))
    assert done.returncode == exits.ALREADY_RUNNING
    assert f"torpor: another daemon serves {place.socket}\n" in done.stderr


def test_a_stale_socket_is_no_obstacle(place: Place) -> None:
    with place.popen("serve") as serving:
        assert serving.stderr is not None
        serving.stderr.readline()
        serving.kill()
    assert place.socket.is_socket()
    done = place.run("status")
    assert done.returncode == exits.NO_DAEMON
    assert "Connection refused" in done.stderr
    assert place.run("vms").returncode == exits.OK


def test_an_idle_daemon_ends(place: Place) -> None:
    with place.popen("serve", "--idle-exit", "0.2") as serving:
        assert serving.wait(WAIT) == exits.OK
    assert place.log()[-2]["message"] == "idle for 0.2 s: shutting down"


def test_a_daemon_that_is_needed_stays(place: Place) -> None:
    serving, client = begun(place, "--idle-exit", "0.3")
    with serving:
        with client:
            client.call("vm.getOrCreate", vm="v")
            session = client.call("createSession", vm="v", agentType="echo")["sessionId"]
            client.call("subscribe", vm="v", sessionId=session)
            client.start("sendPrompt", vm="v", sessionId=session, prompt="stream 20 100")
            next(client.notifications(timeout=WAIT))
        # From here the turn goes on for two seconds, many times the span. Without a client it alone keeps the daemon.
        assert serving.wait(WAIT) == exits.OK
    assert "chunk 20" in place.run("events", session, "--vm", "v").stdout


def test_secrets_in_memory_count_until_their_session_is_destroyed(place: Place) -> None:
    """That they keep the daemon: tests/daemon/test_idle.py."""
    serving, client = begun(place, "--idle-exit", "0.3")
    with serving:
        with client:
            client.call("vm.getOrCreate", vm="v")
            options = {"secrets": {"TOKEN": "only-in-memory"}}
            session = client.call("createSession", vm="v", agentType="echo", options=options)["sessionId"]
            assert client.call("daemon.status")["secrets"] == 1
            client.call("destroySession", vm="v", sessionId=session)
            assert client.call("daemon.status")["secrets"] == 0
        assert serving.wait(WAIT) == exits.OK


def begun(place: Place, *arguments: str):  # type: ignore[no-untyped-def]
    """A daemon that ends when it is idle, and a client of it: it is started anew where it ends before there is a client."""
    while True:
        serving = place.popen("serve", *arguments)
        while serving.poll() is None:
            with contextlib.suppress(ConnectError):
                return serving, connect(place.socket, autostart=False)
            time.sleep(0.01)  # there is no event for a socket that appears
        serving.communicate()


def test_clients_that_come_while_it_ends_are_not_lost(place: Place) -> None:
    """Commands, one after the other, against daemons that end in the midst of them."""
    place.run("vms")
    assert place.run("stop").returncode == exits.OK
    for _ in range(5):
        with place.popen("serve", "--idle-exit", "0.05") as serving:
            while serving.poll() is None:
                done = place.run("vms")
                assert done.returncode == exits.OK, done.stderr
            assert serving.returncode in (exits.OK, exits.ALREADY_RUNNING)
        place.run("stop")


class OtherVersion:
    """A daemon of another version, as far as `hello` and `daemon.status` go."""

    def __init__(self, path: Path, welcome: dict[str, object]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.welcome = welcome

    def serve(self, answers: int, status: object = ()) -> None:
        connected, _ = self.listener.accept()
        with connected, connected.makefile("rwb") as file:
            for _ in range(answers):
                request = json.loads(file.readline())
                result = self.welcome if request["method"] == "hello" else status
                file.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode() + b"\n")
                file.flush()

    def close(self) -> None:
        self.listener.close()


def test_another_version_is_told_and_served(place: Place) -> None:
    other = OtherVersion(place.socket, {"version": "9.9.9", "protocol": 1})
    with place.popen("vms") as command:
        other.serve(2)
        _, err = command.communicate(timeout=WAIT)
    other.close()
    assert command.returncode == exits.OK
    remedy = "`torpor restart` puts one of this version in its place"
    assert err == f"torpor: the daemon is torpor 9.9.9, this program torpor {VERSION}: {remedy}\n"


def test_restart_replaces_a_daemon_of_another_version(place: Place) -> None:
    older = (
        "import runtime.version; runtime.version.VERSION = '0.0.9'; "
        "import sys; from runtime.cli.main import main; sys.exit(main(['serve', '--idle-exit', '900']))"
    )
    with subprocess.Popen(
        [COMMAND[0], "-c", older], env=place.environment, stderr=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stderr is not None
        assert serving.stderr.readline() == f"torpor: ready on {place.socket}\n"
        done = place.run("run", "echo", "say kept", "--session", "s")
        assert (done.returncode, done.stdout) == (exits.OK, "kept\n")
        assert done.stderr.startswith(
            f"torpor: the daemon is torpor 0.0.9, this program torpor {VERSION}: `torpor restart`"
        )
        assert place.status()["version"] == "0.0.9"
        assert place.run("restart").returncode == exits.OK
        assert serving.wait(WAIT) == exits.OK
    status = place.status()
    assert (status["version"], status["idleExitSeconds"]) == (VERSION, 900)
    done = place.run("events", "s")
    assert ("kept" in done.stdout, done.stderr) == (True, "")


def test_another_protocol_is_an_error(place: Place) -> None:
    other = OtherVersion(place.socket, {"version": "9.9.9", "protocol": 2})
    with place.popen("vms") as command:
        other.serve(1)
        _, err = command.communicate(timeout=WAIT)
    other.close()
    assert command.returncode == exits.NO_DAEMON
    assert "the daemon (torpor 9.9.9) speaks protocol 2, this program" in err
    assert "torpor restart" in err


def test_a_client_of_another_protocol_is_refused_by_the_daemon(place: Place) -> None:
    place.run("vms")
    program = (
        "import sys; import runtime.client.greeting as greeting; from runtime.cli.main import main; "
        "greeting.PROTOCOL = 2; sys.exit(main(['vms']))"
    )
    command = [COMMAND[0], "-c", program]
    done = subprocess.run(command, env=place.environment, capture_output=True, text=True, timeout=WAIT, check=False)
    assert done.returncode == exits.NO_DAEMON
    assert "the daemon refuses this program" in done.stderr


def test_logs_are_shown_and_followed(place: Place) -> None:
    done = place.run("logs")
    assert done.returncode == exits.FAILED
    assert f"there is no log at {place.state}.log" in done.stderr
    place.run("vms")
    assert place.run("logs", "-n", "1").stdout.endswith(f"is ready on {place.socket}\n")
    assert json.loads(place.run("logs", "-n", "1", "--json").stdout)["message"].endswith(f"is ready on {place.socket}")
    with place.popen("logs", "-f", "-n", "1") as following:
        assert following.stdout is not None
        assert following.stdout.readline().endswith(f"ready on {place.socket}\n")
        place.run("stop")
        assert "received SIGTERM" in following.stdout.readline()
        following.send_signal(signal.SIGINT)
        assert following.wait(WAIT) == exits.INTERRUPTED


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("for n in 1 2 3 4 5 6 7; do echo torpor: line $n; done", [f"line {n}" for n in (3, 4, 5, 6, 7)]),
        ("echo torpor: first; yes noise | head -c 60000", ["first"]),
        ("echo torpor: first; yes noise | head -c 66000", ["noise"] * 5),
    ],
)
def test_of_what_a_daemon_says_before_it_ends_the_last_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, lines: list[str]
) -> None:
    monkeypatch.setattr(starting, "program", lambda: ["sh", "-c", f"exec >&2; {script}; exit 1"])
    with pytest.raises(EndpointError) as caught:
        starting.start(tmp_path / "s", None)
    assert str(caught.value) == "the daemon did not start: " + "\n  ".join(lines)
