"""Forks: they share what has not changed, go on by themselves, and begin where they are told to."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.patience import WAIT
from tests.system.daemon import Session, Vm, fresh_name, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.system.daemon import Api, Daemon

MIB = 1024 * 1024


@pytest.fixture
def fork(api: Api) -> Iterator[Callable[..., Vm]]:
    """Forks a VM; the forks are gone after the test. What vm.fork answered is their `created`."""
    made: list[Vm] = []

    def make(vm: Vm, **params: object) -> Vm:
        name = fresh_name("fork")
        info = vm.call("vm.fork", to=name, **params)
        made.append(Vm(vm.api, name))
        made[-1].created = info
        return made[-1]

    yield make
    for vm in made:
        vm.call("vm.destroy")


def of(vm: Vm, session: Session) -> Session:
    """The same session in a fork."""
    return Session(vm, session.info)


def test_a_fork_goes_on_by_itself(make_vm: Callable[..., Vm], fork: Callable[..., Vm]) -> None:
    vm = make_vm(labels={"a": "1"})
    session = vm.session(env={"ECHO_LOAD": "1", "KEY": "in the environment"})
    session.prompt("fswrite a.txt first")
    copy = fork(vm)
    assert (copy.created["vm"], copy.created["state"]) == (copy.name, "asleep")
    assert copy.created["options"] == {"labels": {"a": "1"}}
    assert "filesAt" not in copy.created
    assert copy.state() == "asleep"
    assert vm.state() == "awake"
    assert copy.rows()[session.id]["status"] == "suspended"
    assert of(copy, session).events() == session.events()

    before = session.events()
    assert of(copy, session).say("env KEY") == "KEY=in the environment"
    of(copy, session).prompt("fswrite a.txt second; fswrite b.txt new")
    assert (vm.read("/home/user/a.txt"), copy.read("/home/user/a.txt")) == ("first", "second")
    assert vm.call("exists", path="/home/user/b.txt") is False
    assert session.events() == before
    assert of(copy, session).events()[: len(before)] == before
    session.prompt("fswrite c.txt third")
    assert copy.call("exists", path="/home/user/c.txt") is False
    assert session.say("say still here") == "still here"


def test_a_fork_shares_content_and_outlives_its_source(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        vm = Vm(api, "source")
        session = vm.session()
        content = "".join(f"{number:08d}" for number in range(MIB))
        vm.write("/big", content)
        session.say("say hello")
        vm.sleep()
        before = own_daemon.stop()
        size = own_daemon.state.stat().st_size
    own_daemon.start()
    with own_daemon.connect() as api:
        for number in range(5):
            api.call("vm.fork", vm="source", to=f"fork-{number}")
        assert own_daemon.stop() == before == 0
        assert own_daemon.state.stat().st_size - size < MIB // 2
    own_daemon.start()
    with own_daemon.connect() as api:
        api.call("vm.destroy", vm="source")
        for number in range(4):
            api.call("vm.destroy", vm=f"fork-{number}")
        last = Vm(api, "fork-4")
        assert last.read("/big") == content
        assert of(last, session).say("say on").endswith("on")


def test_a_fork_at_an_event_has_files_and_transcripts_of_then(vm: Vm, fork: Callable[..., Vm]) -> None:
    session, other = vm.session(), vm.session()
    other.prompt("say other one")
    ends = [session.prompt(f"fswrite a.txt {word}")["seq"] for word in ("one", "two", "three")]
    late = vm.session()
    late.prompt("say late")
    other_events = other.events()
    other.prompt("say other two")

    copy = fork(vm, at={"sessionId": session.id, "seq": ends[1]})
    at = copy.created["filesAt"]
    assert (at["sessionId"], at["seq"]) == (session.id, ends[1])
    assert copy.read("/home/user/a.txt") == "two"
    assert vm.read("/home/user/a.txt") == "three"
    assert of(copy, session).events() == session.events()[: ends[1] + 1]
    assert of(copy, other).events() == other_events[: len(of(copy, other).events())]
    assert text_of(of(copy, other).events()) == "other one"
    assert late.id not in copy.rows()
    assert of(copy, session).say("say on").endswith("on")
    again = fork(copy, at={"sessionId": session.id, "seq": ends[0]})
    assert again.read("/home/user/a.txt") == "one"


def test_a_fork_inside_a_turn_has_the_files_of_the_turn_before(vm: Vm, fork: Callable[..., Vm]) -> None:
    session = vm.session(env={"ECHO_LOAD": "1"})
    first = session.prompt("fswrite a.txt one")["seq"]
    last = session.prompt("fswrite a.txt two; stream 5 0")["seq"]
    copy = fork(vm, at={"sessionId": session.id, "seq": last - 2})
    assert copy.created["filesAt"]["seq"] == first
    assert copy.read("/home/user/a.txt") == "one"
    assert of(copy, session).events()[-1]["seq"] == last - 2
    assert of(copy, session).say("say on").endswith("on")
    events = of(copy, session).events()
    assert events[: last - 1] == session.events()[: last - 1]
    assert events[last - 1]["event"]["method"] == "_torpor/turn_interrupted"
    tiers = [each["event"]["params"]["tier"] for each in of(copy, session).events(types=["_torpor/session_resumed"])]
    assert tiers == ["continuation"], "what its agent has in its files ends before"


def test_what_cannot_be_forked(make_vm: Callable[..., Vm], fork: Callable[..., Vm]) -> None:
    vm, existing = make_vm(), make_vm()
    session = vm.session()
    end = session.prompt("say one")["seq"]
    assert vm.error("vm.fork", to=existing.name).name == "vm_conflict"
    assert vm.error("vm.fork", to=vm.name).name == "vm_conflict"
    assert vm.api.error("vm.fork", vm="nobody", to="x").name == "vm_not_found"
    assert vm.error("vm.fork", to="a/b").rpc_code == -32602
    point = {"sessionId": session.id, "seq": end + 1}
    error = vm.error("vm.fork", to="never", at=point)
    assert (error.name, error.data["lastSeq"]) == ("invalid_argument", end)
    begun = next(e["seq"] for e in session.events() if e["event"]["method"] == "_torpor/turn_started")
    error = vm.error("vm.fork", to="never", at={**point, "seq": begun - 1})
    assert (error.name, error.data["firstSeq"]) == ("invalid_argument", begun)
    assert vm.error("vm.fork", to="never", at={"sessionId": "none", "seq": 0}).name == "session_not_found"
    assert vm.api.error("vm.get", vm="never").name == "vm_not_found"


def test_a_running_turn_goes_on_and_is_interrupted_in_the_fork(vm: Vm, fork: Callable[..., Vm]) -> None:
    session = vm.session()
    session.subscribe()
    pending = session.begin("say begun; stream 20 50; say done")
    copy = fork(vm)
    assert of(copy, session).say("say on").endswith("on")
    assert "_torpor/turn_interrupted" in of(copy, session).types()
    assert vm.api.result(pending)["text"].endswith("done")
    assert "_torpor/turn_interrupted" not in session.types()


def test_values_of_secrets_stay_behind(vm: Vm, fork: Callable[..., Vm]) -> None:
    session = vm.session(secrets={"KEY": "secret-value"})
    session.say("say one")
    copy = fork(vm)
    error = of(copy, session).error("sendPrompt", prompt="say two")
    assert (error.name, error.data["names"]) == ("secrets_required", ["KEY"])
    of(copy, session).call("resumeSession", options={"secrets": {"KEY": "another"}})
    assert of(copy, session).say("say two").endswith("two")


def test_a_session_is_forked_in_its_vm(vm: Vm) -> None:
    session = vm.session(env={"ECHO_LOAD": "1", "KEY": "kept"})
    end = session.prompt("say one")["seq"]
    session.prompt("say two")
    before = session.events()
    vm.sleep()
    info = session.call("forkSession", at=end)
    assert vm.state() == "asleep"
    forked = Session(vm, info)
    assert forked.id != session.id
    assert info["vm"] == vm.name
    assert {name: info[name] for name in ("agentType", "cwd", "modes")} == {
        name: session.info[name] for name in ("agentType", "cwd", "modes")
    }
    events = forked.events()
    assert [event["seq"] for event in events] == list(range(end + 1))
    assert {event["event"]["params"]["sessionId"] for event in events} == {forked.id}
    assert text_of(events) == "one"
    assert forked.say("say three").endswith("three")
    assert session.say("say four") == "four"
    assert session.events()[: len(before)] == before
    resumed = forked.events(types=["_torpor/session_resumed"])
    assert [each["event"]["params"]["tier"] for each in resumed] == ["continuation"]
    assert "one" in vm.read(resumed[0]["event"]["params"]["path"])
    assert "two" not in vm.read(resumed[0]["event"]["params"]["path"])


@pytest.mark.parametrize(
    ("env", "tier"),
    [
        ({"ECHO_FORK": "1", "ECHO_RESUME": "1"}, "resume"),
        ({"ECHO_FORK": "1", "ECHO_LOAD": "1"}, "load"),
        ({"ECHO_FORK": "1"}, "continuation"),
        ({"ECHO_FORK": "1", "ECHO_LOAD": "1", "ECHO_FAIL": "fork"}, "continuation"),
    ],
)
def test_an_agent_forks_its_own_side(vm: Vm, env: dict[str, str], tier: str) -> None:
    session = vm.session(env=env)
    session.prompt("say one")
    forked = Session(vm, session.call("forkSession"))
    session.prompt("say two")
    history = forked.say("history")
    (resumed,) = forked.events(types=["_torpor/session_resumed"])
    assert resumed["event"]["params"]["tier"] == tier
    assert ('"user":"say one"' in history) == (tier != "continuation")
    assert "say two" not in history
    assert "say two" in session.say("history")


def test_the_environment_is_sealed_anew_for_a_forked_session(vm: Vm) -> None:
    session = vm.session(env={"KEY": "in the environment"})
    forked = Session(vm, session.call("forkSession"))
    assert session.say("env KEY") == "KEY=in the environment"
    assert forked.say("env KEY").endswith("KEY=in the environment")


def test_a_session_is_forked_into_a_vm(vm: Vm) -> None:
    session = vm.session()
    end = session.prompt("fswrite a.txt one")["seq"]
    session.prompt("fswrite a.txt two")
    name = fresh_name("fork")
    info = session.call("forkSession", at=end, to=name)
    copy = Vm(vm.api, name)
    assert (info["sessionId"], info["vm"], info["filesAt"]["seq"]) == (session.id, name, end)
    assert of(copy, session).say("say on").endswith("on")
    assert copy.read("/home/user/a.txt") == "one"
    assert session.error("forkSession", to=name).name == "vm_conflict"
    assert session.error("forkSession", at=10_000).name == "invalid_argument"
    copy.call("vm.destroy")


def test_forks_are_there_after_a_kill(own_daemon: Daemon) -> None:
    with own_daemon.connect() as api:
        vm = Vm(api, "source")
        session = vm.session()
        end = session.prompt("fswrite a.txt one")["seq"]
        events = session.events()
        api.call("vm.fork", vm="source", to="now")
        api.call("vm.fork", vm="source", to="then", at={"sessionId": session.id, "seq": end})
        forked = session.call("forkSession")["sessionId"]
        own_daemon.kill()
    with contextlib.closing(sqlite3.connect(own_daemon.state)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    own_daemon.start()
    with own_daemon.connect() as api:
        for name in ("source", "now", "then"):
            each = Vm(api, name)
            assert of(each, session).events()[: len(events)] == events
            assert each.read("/home/user/a.txt") == "one"
            assert of(each, session).say("say on").endswith("on")
        assert Session(Vm(api, "source"), {"sessionId": forked}).say("say on").endswith("on")


def torpor(daemon: Daemon, *arguments: str, exit_code: int = 0) -> tuple[str, str]:
    """Run a command; what it writes to stdout and to stderr."""
    command = [sys.executable, "-m", "runtime.cli", *arguments, "--socket", str(daemon.socket)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT)
    assert done.returncode == exit_code, done.stderr
    return done.stdout, done.stderr


def test_from_the_command_line(daemon: Daemon, make_vm: Callable[..., Vm]) -> None:
    vm = make_vm()
    session = vm.session()
    seq = session.prompt("fswrite a.txt first")["seq"]
    session.prompt("fswrite a.txt second")
    then, now, third = (fresh_name("fork") for _ in range(3))
    try:
        _, said = torpor(daemon, "fork", vm.name, then, "--at", f"{session.id}@{seq}")
        assert said.startswith(f"torpor: VM {then} is there, asleep, with the files of event {seq} (")
        assert torpor(daemon, "fork", vm.name, now)[1] == f"torpor: VM {now} is there, asleep\n"
        assert Vm(vm.api, then).read("/home/user/a.txt") == "first"
        assert Vm(vm.api, now).read("/home/user/a.txt") == "second"
        id_, said = torpor(daemon, "fork-session", session.id, "--vm", vm.name, "--at", str(seq))
        assert said == ""
        assert vm.rows()[id_.strip()]["lastSeq"] == seq
        made = json.loads(torpor(daemon, "fork-session", session.id, "--vm", vm.name, "--to", third, "--json")[0])
        assert (made["vm"], made["sessionId"]) == (third, session.id)
        for wrong in ("17", "@17", f"{session.id}@", f"{session.id}@-1"):
            torpor(daemon, "fork", vm.name, "x", f"--at={wrong}", exit_code=2)
        assert "vm_conflict" in torpor(daemon, "fork", vm.name, now, exit_code=1)[1]
    finally:
        for name in (then, now, third):
            vm.api.call("vm.destroy", vm=name)
