"""The pytest plugin: `torpor_vm`, `torpor_session`, `scripted_model`. Loading it imports nothing of the runtime.

    def test_it_writes(torpor_session, scripted_model):
        scripted_model.script(call("write", path="a.txt", content="hi"), say("Done."))
        session = torpor_session("pi")
        turn = session.prompt("Write hi to a.txt.")
        turn.expect_text("Done.")
        session.vm.expect_file("a.txt", "hi")

Each test has a VM of its own. By default agents run in this process; with `--torpor-socket` or `--torpor-executable`
they run in a daemon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.testing.harness import Bench, Harness, SessionFactory
    from runtime.testing.model import TestModel
    from runtime.testing.vm import TestVm

_BENCH = pytest.StashKey["Bench"]()
_FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the harness's options."""
    group = parser.getgroup("torpor", "agents under test")
    group.addoption("--torpor-socket", metavar="PLACE", help="run agents in the daemon at this socket or URL")
    group.addoption("--torpor-executable", metavar="FILE", help="run agents in a daemon started from this executable")
    group.addoption("--torpor-update", action="store_true", help="write golden transcripts instead of comparing them")
    group.addoption(
        "--torpor-report",
        metavar="DIR",
        default="torpor-report",
        help="where transcripts and states of failing tests are put (default: %(default)s); empty: nowhere",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "torpor(**options): options of the test's VM, in the API's own form: network, limits, mounts, ..."
    )


@pytest.fixture(scope="session")
def torpor_harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    """Where agents run, for the whole of this process."""
    from runtime.testing.harness import Harness  # noqa: PLC0415 - the plugin is loaded by every run of pytest

    config = request.config
    harness = Harness(config.getoption("torpor_socket"), config.getoption("torpor_executable"))
    yield harness
    harness.close()


@pytest.fixture
def torpor_bench(request: pytest.FixtureRequest, torpor_harness: Harness) -> Iterator[Bench]:
    """What this test has of the harness."""
    from runtime.testing.harness import Bench  # noqa: PLC0415

    bench = Bench(torpor_harness, request.node.nodeid.rpartition("/")[2], request.path.parent)
    for marker in reversed(list(request.node.iter_markers("torpor"))):
        bench.options.update(marker.kwargs)
    request.node.stash[_BENCH] = bench
    yield bench
    bench.close()


@pytest.fixture
def scripted_model(torpor_bench: Bench) -> TestModel:
    """A model on the loopback interface that says what the test tells it to; the test's agents are pointed to it."""
    return torpor_bench.model


@pytest.fixture
def torpor_vm(torpor_bench: Bench, request: pytest.FixtureRequest) -> TestVm:
    """The test's VM."""
    if "scripted_model" in request.fixturenames:
        request.getfixturevalue("scripted_model")  # first, so that the VM may reach it
    return torpor_bench.vm


@pytest.fixture
def torpor_session(torpor_bench: Bench, torpor_vm: TestVm) -> SessionFactory:
    """Open sessions in the test's VM: `torpor_session("pi", env=..., files=..., permissions=..., cwd=...)`."""
    from runtime.testing.harness import SessionFactory  # noqa: PLC0415

    _ = torpor_vm
    return SessionFactory(torpor_bench)
