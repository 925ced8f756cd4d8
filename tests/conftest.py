"""What all tests share: an exact sense of rest, a cache of compiled components, and real daemons.

One daemon serves most tests; those that end theirs have their own. A folder may say otherwise in its own conftest.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from runtime.engine.cache import ArtefactCache, default_cache_directory
from tests.settled import count_work
from tests.system.daemon import SECRET_OF_HOST, Api, Daemon, Vm, environment, fresh_name, running

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator


def pytest_configure() -> None:
    """Hear SIGINT: a shell has what runs in its background ignore it, and every process under test would inherit that.

    Keep compiled modules, too, whatever the environment says: this process and hundreds of others begin with them. And have
    hypothesis hold no clock against an example: on a busy machine each may take long.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    count_work()
    patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.register_profile("patient", patient)
    hypothesis.settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
    """Let workers report what a test has logged or written that is no text, which some are about."""
    report = yield
    if report is not None and "sections" in report:
        report["sections"] = [
            (name, text.encode(errors="backslashreplace").decode()) for name, text in report["sections"]
        ]
    return report


@pytest.fixture(scope="session")
def component_cache() -> Path:
    """Compiled components, those of `make agents` included: compiling pi takes longer than most folders' tests."""
    return ArtefactCache(default_cache_directory()).directory


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
