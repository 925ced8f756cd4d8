"""A component that has to be compiled first: who waits is told, and can give up; the daemon can end."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

import pytest

from runtime.vms.catalogue import Catalogue, built_in_directory
from tests.system.daemon import Daemon, Vm, environment, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import TextIOWrapper
    from pathlib import Path

    from tests.system.daemon import Notification, Pending

CANCELLED = -32800


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where nothing is compiled yet."""
    (tmp_path / "cache").mkdir(mode=0o700)
    return tmp_path / "cache"


@pytest.fixture
def own(tmp_path: Path, cache: Path) -> Iterator[Daemon]:
    """A daemon of one test."""
    with running(Daemon(tmp_path / "d", environment(cache))) as daemon:
        yield daemon
    assert "Traceback" not in daemon.log.read_text()


@pytest.fixture
def compiler(cache: Path) -> Iterator[TextIOWrapper]:
    """One that sees to it that nobody compiles: what is to be compiled has to wait until this is closed."""
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def begun(vm: Vm, agent: str = "echo") -> tuple[Pending, Notification]:
    """A session that is being made, and what is told of the compilation that it waits for."""
    vm.call("subscribe", types=["compiling"])
    pending = vm.start("createSession", agentType=agent)
    return pending, vm.api.until(lambda notification: notification.method == "compiling")[-1]


def artefacts(cache: Path) -> list[Path]:
    return list(cache.glob("*.recipe"))


def test_who_waits_is_told_once(own: Daemon) -> None:
    component = Catalogue(built_in_directory()).get("echo").program.path
    with own.connect() as api:
        vm = Vm(api, "v")
        pending, told = begun(vm)
        assert told.params["vm"] == "v"
        assert (told.params["program"], told.params["bytes"]) == (component.name, component.stat().st_size)
        api.result(pending)
        assert api.drain(vm.start("createSession", agentType="echo")) == []


def test_who_gives_up_is_answered_and_the_next_is_not_held_up(
    own: Daemon, cache: Path, compiler: TextIOWrapper
) -> None:
    with own.connect() as api:
        vm = Vm(api, "v")
        pending, _ = begun(vm)
        api.client.cancel(pending)
        assert api.failure(pending).rpc_code == CANCELLED
        assert vm.rows() == {}
        assert artefacts(cache) == []
        again = vm.start("createSession", agentType="echo")
        compiler.close()
        api.result(again)
        assert len(artefacts(cache)) == 1


def test_the_end_of_a_daemon_waits_for_no_compiler(own: Daemon, cache: Path, compiler: TextIOWrapper) -> None:
    with own.connect() as api:
        pending, _ = begun(Vm(api, "v"))
        own.terminate()
        assert api.failure(pending).name == "shutting_down"
        assert own.stop() == 0
    assert artefacts(cache) == []
    compiler.close()
    with own.start().connect() as api:
        assert Vm(api, "v").session().say("hi") == "echo: hi"


def test_a_daemon_ends_in_order_in_the_middle_of_a_compilation(own: Daemon) -> None:
    with own.connect() as api:
        begun(Vm(api, "v"), "pi")
        assert own.stop() == 0
    with own.start().connect() as api:
        assert Vm(api, "v").rows() == {}
