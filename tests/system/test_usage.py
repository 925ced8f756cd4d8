"""What agents tell of tokens and cost, and what vm.stats and getSession make of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import apsw

from tests.system.daemon import Daemon, Session, Vm, fresh_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIRST = "tokens 100 10; usage 110 1000 0.5"
SECOND = "tokens 200 20; usage 330 1000 0.75"
BOTH: dict[str, Any] = {
    "tokens": {"totalTokens": 330, "inputTokens": 300, "outputTokens": 30},
    "cost": {"USD": 0.75},
    "context": {"used": 330, "size": 1000},
}
NONE: dict[str, Any] = {"tokens": None, "cost": None, "context": None}


def usage(session: Session) -> Any:
    """What getSession says; the list says the same."""
    found = session.call("getSession")["usage"]
    assert session.vm.rows()[session.id]["usage"] == found
    return found


def totals(vm: Vm) -> tuple[Any, Any]:
    """Tokens and cost of the whole VM."""
    stats = vm.call("vm.stats")
    return stats["tokens"], stats["cost"]


def test_what_agents_tell_is_added_up(vm: Vm) -> None:
    assert totals(vm) == (None, None)
    first, second = vm.session(), vm.session()
    assert usage(first) == NONE
    first.prompt("say nothing of it")
    assert usage(first) == NONE
    first.prompt(FIRST)
    first.prompt(SECOND)
    second.prompt("tokens 1 2; usage 3 1000 0.125")
    assert usage(first) == BOTH
    tokens = {"totalTokens": 333, "inputTokens": 301, "outputTokens": 32}
    assert totals(vm) == (tokens, {"USD": 0.875})
    vm.sleep()
    assert usage(first) == BOTH
    assert totals(vm) == (tokens, {"USD": 0.875})
    second.call("destroySession")
    assert totals(vm) == (BOTH["tokens"], BOTH["cost"])


def test_an_agent_that_knows_its_session_counts_on_and_another_begins_anew(vm: Vm) -> None:
    known, fresh = vm.session(env={"ECHO_RESUME": "1"}), vm.session()
    for session in (known, fresh):
        session.prompt("usage 1 2 0.5")
    vm.sleep()
    for session in (known, fresh):
        session.prompt("usage 1 2 0.75")
    assert usage(known)["cost"] == {"USD": 0.75}
    assert usage(fresh)["cost"] == {"USD": 1.25}


def test_forks_have_used_what_their_transcripts_say(make_vm: Callable[..., Vm]) -> None:
    vm = make_vm()
    session = vm.session()
    seq = session.prompt(FIRST)["seq"]
    session.prompt(SECOND)
    half = {"tokens": {"totalTokens": 110, "inputTokens": 100, "outputTokens": 10}, "cost": {"USD": 0.5}}
    then, now = make_vm(), make_vm()
    for fork, at in ((then, {"sessionId": session.id, "seq": seq}), (now, None)):
        fork.call("vm.destroy")
        vm.call("vm.fork", to=fork.name, at=at)
    assert usage(Session(then, session.info)) == {**half, "context": {"used": 110, "size": 1000}}
    assert totals(then) == (half["tokens"], half["cost"])
    assert usage(Session(now, session.info)) == BOTH
    beside = Session(vm, vm.call("forkSession", sessionId=session.id, at=seq))
    assert usage(beside)["cost"] == {"USD": 0.5}
    assert totals(vm)[1] == {"USD": 1.25}


def test_it_outlives_the_daemon_and_travels(own_daemon: Daemon, tmp_path: Path) -> None:
    file = str(tmp_path / "vm.torpor")
    with own_daemon.connect() as api:
        vm = Vm(api, fresh_name("usage"))
        session = vm.session()
        session.prompt(FIRST)
        session.prompt(SECOND)
    own_daemon.restart()
    with own_daemon.connect() as api:
        vm = Vm(api, vm.name)
        assert usage(Session(vm, session.info)) == BOTH
        vm.call("vm.export", path=file)
        with contextlib.closing(apsw.Connection(file)) as connection:
            connection.execute('UPDATE session SET usage = \'{"tokens": null, "cost": {"USD": 99}, "context": null}\'')
        api.call("vm.import", path=file, vm="copy")
        copy = Vm(api, "copy")  # the transcript is believed, not the row
        assert usage(Session(copy, session.info)) == BOTH
        assert totals(copy) == (BOTH["tokens"], BOTH["cost"])
