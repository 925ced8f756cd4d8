"""A daemon that dies comes back; one that ends stays ended."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

import torpor
from runtime.cli import exits
from runtime.daemon.supervisor import MAX_RESTARTS
from tests.cli.test_daemon_life import gone
from tests.patience import WAIT

if TYPE_CHECKING:
    from tests.cli.places import Place

ROOT = Path(__file__).parents[2]


async def until(conn: torpor.Connection, wanted: str) -> list[int]:
    """The numbers of the events up to and with the one with this text in it."""
    seen = []
    async for notification in conn:
        if notification.method != "sessionEvent":
            continue
        seen.append(notification.params["seq"])
        if wanted in json.dumps(notification.params["event"]):
            break
    return seen


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGKILL])
def test_a_daemon_that_dies_in_mid_turn_comes_back_and_its_clients_go_on(place: Place, number: signal.Signals) -> None:
    assert place.run("vms").returncode == exits.OK
    before = place.status()

    async def main() -> None:
        with trio.fail_after(WAIT):
            async with torpor.connect(place.socket) as client:
                agent = client.vm.get_or_create("v")
                await agent.create_session("echo", session_id="s")
                async with agent.connect("s", after=-1) as conn, trio.open_nursery() as nursery:
                    nursery.start_soon(fail, agent)
                    seen = await until(conn, "begun")
                    os.kill(before["pid"], number)
                    seen += await until(conn, "_torpor/turn_interrupted")
                    assert (await agent.send_prompt("s", "say again")).text.endswith("again")
                    seen += await until(conn, "again")
                    assert seen == list(range(len(seen)))

    async def fail(agent: Any) -> None:
        with pytest.raises((torpor.ConnectionLostError, torpor.RpcError)):
            await agent.send_prompt("s", "say begun; sleep 600000")

    trio.run(main)
    after = place.status()
    assert after["pid"] != before["pid"]
    assert after["supervisor"] == before["supervisor"] is not None
    message = f"the daemon (process {before['pid']}) has ended by {number.name}; started again, restart 1 in a row"
    assert message in [line["message"] for line in place.log()]


def test_one_that_is_stopped_stays_stopped(place: Place) -> None:
    place.run("vms")
    status = place.status()
    assert place.run("stop").returncode == exits.OK
    assert gone(status["pid"])
    assert gone(status["supervisor"])
    assert not place.socket.exists()


def test_one_that_was_idle_stays_ended(place: Place) -> None:
    serving = place.popen("serve", "--supervise", "--idle-exit", "0.2")
    _, said = serving.communicate(timeout=WAIT)
    assert serving.returncode == exits.OK
    assert said.count("torpor: ready on") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on(place: Place, number: signal.Signals) -> None:
    with place.popen("serve", "--supervise") as serving:
        assert serving.stderr is not None
        serving.stderr.readline()
        status = place.status()
        assert (status["supervisor"], status["pid"] == serving.pid) == (serving.pid, False)
        serving.send_signal(number)
        assert serving.wait(WAIT) == exits.OK
        assert "ended in order" in serving.stderr.read()


def test_a_daemon_whose_supervisor_dies_ends_in_order(place: Place) -> None:
    place.run("vms")
    status = place.status()
    os.kill(status["supervisor"], signal.SIGKILL)
    assert gone(status["pid"])
    assert place.log()[-1]["message"] == "ended in order"


def test_one_that_could_not_begin_is_not_tried_again(place: Place) -> None:
    place.state.parent.mkdir(parents=True)
    place.state.write_text("no database " * 1000)
    done = place.run("serve", "--supervise")
    assert done.returncode == exits.NO_DAEMON
    assert done.stderr.count("not a sound Torpor state file") == 1


def test_systemd_is_its_own_supervisor(place: Place) -> None:
    with place.popen("serve", "--supervise", NOTIFY_SOCKET=str(place.directory / "notify")) as serving:
        assert serving.stderr is not None
        serving.stderr.readline()
        status = place.status()
        assert (status["pid"], status["supervisor"]) == (serving.pid, None)
        serving.terminate()


def test_what_a_library_said_at_the_end_is_kept(place: Place) -> None:
    place.run("vms")
    status = place.status()
    words = place.state.with_name(place.state.name + ".stderr")
    words.write_text("wasmtime: assertion failed\n")
    process = os.pidfd_open(status["supervisor"])
    os.kill(status["pid"], signal.SIGABRT)
    while place.run("status").returncode != exits.OK:  # it comes back by itself, and tells nobody when
        assert not select.select([process], [], [], 0.01)[0], "the supervisor has ended"
    os.close(process)
    assert words.with_name(words.name + ".1").read_text() == "wasmtime: assertion failed\n"
    assert words.read_text() == ""


# Without a daemon: what is forked does what the test wants.

LIFE = """
import os, signal, sys
from runtime.cli.serve import FINAL
from runtime.daemon import supervisor
supervisor.PAUSE_SECONDS = 0.0001
supervisor.STEADY_SECONDS = {steady}
def give_up(reason):
    print("gave up:", reason.partition(")")[2], flush=True)
life = supervisor.supervise(background=False, final=FINAL, give_up=give_up)
if isinstance(life, int):
    sys.exit(life)
print(life.restarts, life.ended.partition(")")[2].strip(), flush=True)
{does}
"""
SERVE = "os.write(life.ready, b'1')"


def lives(does: str, steady: float = 1e9) -> tuple[int, list[str]]:
    """The supervisor's exit code, and what all have said whose life this is."""
    program = LIFE.format(does=does, steady=steady)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=WAIT, cwd=ROOT, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_what_always_dies_is_given_up() -> None:
    code, said = lives(f"{SERVE}; os.abort()")
    again = [f"{number} has ended by SIGABRT" for number in range(1, MAX_RESTARTS + 1)]
    gave_up = f"gave up:  has ended by SIGABRT, the {MAX_RESTARTS + 1}th in a row, and is not started again"
    assert (code, said) == (exits.FAILED, ["0 ", *again, gave_up])


def test_what_lives_long_enough_is_never_given_up(tmp_path: Path) -> None:
    mark = tmp_path / "lives"
    code, said = lives(
        f"""
{SERVE}
with open({str(mark)!r}, "a") as file:
    file.write("x")
if os.stat({str(mark)!r}).st_size > {3 * MAX_RESTARTS}:
    os._exit(0)
os.abort()
""",
        steady=0,
    )
    assert (code, len(said), said[-1]) == (exits.OK, 3 * MAX_RESTARTS + 1, "1 has ended by SIGABRT")


@pytest.mark.parametrize(
    ("does", "ends"),
    [
        (f"{SERVE}; os._exit({exits.OK})", exits.OK),
        (f"{SERVE}; os._exit({exits.ALREADY_RUNNING})", exits.ALREADY_RUNNING),
        (f"{SERVE}; os.kill(os.getpid(), signal.SIGTERM)", exits.FAILED),  # somebody has asked, before it could listen
        ("os.abort()", exits.FAILED),  # before it has served
        (f"os._exit({exits.NO_DAEMON})", exits.NO_DAEMON),
    ],
)
def test_what_is_not_started_again(does: str, ends: int) -> None:
    assert lives(does) == (ends, ["0 "])


def test_a_failure_of_one_that_has_served_is_no_end() -> None:
    """A disk may be full just then."""
    code, said = lives(f"{SERVE} if not life.restarts else None; os._exit({exits.NO_DAEMON})")
    assert (code, said[1]) == (exits.FAILED, "1 has ended by exit code 3")
