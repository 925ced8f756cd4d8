"""One daemon for most tests, daemons of their own for those that end them, and a model for pi to talk to."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.system.daemon import Api, Daemon, Vm, environment, fresh_name, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET_OF_HOST = "only-the-daemon-knows-this"


@pytest.fixture(scope="session")
def component_cache(request: pytest.FixtureRequest) -> Path:
    """Compiled agents, kept from run to run: compiling pi takes longer than all else here."""
    assert request.config.cache is not None
    directory = request.config.cache.mkdir("torpor-components")
    directory.chmod(0o700)
    return directory


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A directory with a path short enough for a Unix socket."""
    directory = Path(tempfile.mkdtemp(prefix="torpor-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def daemon(component_cache: Path, scratch: Path) -> Iterator[Daemon]:
    """The daemon that most tests share: nobody may end it."""
    variables = environment(component_cache, HOST_SECRET=SECRET_OF_HOST)
    with running(Daemon(scratch / "shared", variables)) as daemon:
        yield daemon
        assert daemon.stop() == 0
    assert "Traceback" not in daemon.log.read_text(), daemon.log.read_text()


@pytest.fixture
def own_daemon(component_cache: Path, scratch: Path) -> Iterator[Daemon]:
    """A daemon of one test, which may do with it what it likes."""
    directory = scratch / fresh_name("own")
    with running(Daemon(directory, environment(component_cache))) as daemon:
        yield daemon
    log = daemon.log.read_text()
    assert "Traceback" not in log, log


@pytest.fixture
def api(daemon: Daemon) -> Iterator[Api]:
    """A connection to the shared daemon."""
    with daemon.connect() as api:
        yield api


@pytest.fixture
def make_vm(api: Api, request: pytest.FixtureRequest) -> Iterator[Callable[..., Vm]]:
    """VMs of the shared daemon, with these options; they are gone after the test, and nothing is left of them."""
    made: list[Vm] = []

    def make(**options: object) -> Vm:
        made.append(Vm(api, fresh_name(re.sub(r"[^A-Za-z0-9._-]", "-", request.node.name)), **options))
        return made[-1]

    yield make
    for vm in made:
        vm.call("vm.destroy")
    status = api.call("daemon.status")
    assert (status["processes"], status["sessions"], status["awake"]) == (0, 0, 0)


@pytest.fixture
def vm(make_vm: Callable[..., Vm]) -> Vm:
    """A VM of the shared daemon."""
    return make_vm()
