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

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from runtime.testing.harness import Bench, Harness, SessionFactory
    from runtime.testing.model import TestModel
    from runtime.testing.vm import TestVm

_BENCH = pytest.StashKey["Bench"]()
_ITEMS = pytest.StashKey[tuple[pytest.Item, ...]]()
_FORMER = pytest.StashKey[Counter[tuple[Path, str]]]()
"""How many tests had a golden file of one name, by its folder."""
_STATE = pytest.StashKey[Path]()
"""Where the state of a test that failed is to be kept."""


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

    bench = Bench(
        torpor_harness,
        f"{request.path.name}::{request.node.nodeid.partition('::')[2]}",
        request.path.parent,
        update_golden=request.config.getoption("torpor_update"),
        former_golden=_former_golden(request.node),
    )
    for marker in reversed(list(request.node.iter_markers("torpor"))):
        bench.options.update(marker.kwargs)
    request.node.stash[_BENCH] = bench
    yield bench
    kept = request.node.stash.get(_STATE, None)
    if kept is not None and bench.has_vm:
        kept.parent.mkdir(parents=True, exist_ok=True)
        bench.close(keep_state=kept)
    else:
        bench.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Keep what there is of an agent's test that failed, and say where."""
    report: pytest.TestReport = yield
    bench = item.stash.get(_BENCH, None)
    if bench is None or call.when != "call":
        return report
    item.user_properties.append(("torpor_turns", sum(session.turns_ended for session in bench.sessions)))
    item.user_properties.append(("torpor_fuel", sum(session.fuel for session in bench.sessions)))
    directory = item.config.getoption("torpor_report")
    if report.failed and directory:
        from runtime.testing import names, reporting  # noqa: PLC0415

        path = item.config.rootpath / directory / f"{names.unique_name(item.nodeid)}.html"
        state = path.with_suffix(".db")
        told = reporting.gather(bench, item.nodeid, _message(report), report.longreprtext, state.name)
        reporting.write_page(told, path)
        item.stash[_STATE] = state
        item.user_properties.append(("torpor_transcript", str(path)))
        item.user_properties.append(("torpor_state", str(state)))
        report.sections.append(("Torpor", f"transcript: {path}\nstate: {state} (torpor serve --state FILE opens it)"))
    report.user_properties = list(item.user_properties)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """On GitHub, show each failure of an agent's test beside its line."""
    if not os.environ.get("GITHUB_ACTIONS"):
        return
    from runtime.testing.reporting import annotation  # noqa: PLC0415

    for report in terminalreporter.stats.get("failed", []):
        if isinstance(report, pytest.TestReport) and "torpor_turns" in dict(report.user_properties):
            file, line, name = report.location
            terminalreporter.write_line(annotation(file, (line or 0) + 1, name, _message(report)))


@pytest.hookimpl(tryfirst=True)  # before -k and the like leave some out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the list of all tests at hand."""
    config.stash[_ITEMS] = tuple(items)


def _former_golden(item: pytest.Item) -> str | None:
    """The name of a test's golden file of old, if none of the tests at hand had the same."""
    from runtime.testing.names import former_name  # noqa: PLC0415

    stash = item.config.stash
    if _FORMER not in stash:
        stash[_FORMER] = Counter((each.path.parent, former_name(each.nodeid).casefold()) for each in stash[_ITEMS])
    name = former_name(item.nodeid)
    return name if stash[_FORMER][item.path.parent, name.casefold()] == 1 else None


def _message(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash is not None else report.longreprtext)


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
