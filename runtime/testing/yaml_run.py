"""Runs tests that were read from YAML."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import attrs

from runtime.client.errors import ClientError, ConnectError
from runtime.testing import reporting
from runtime.testing.expect import Call
from runtime.testing.harness import Bench
from runtime.testing.names import unique_name
from runtime.testing.yaml_file import Content, PromptStep, ScriptStep, TextExpectation

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.testing.harness import Harness
    from runtime.testing.session import TestSession, Turn
    from runtime.testing.yaml_file import Case, StepExpectation


@attrs.frozen
class Outcome:
    """How a test went. `failure` is None when all held, else what did not; `seconds` is how long it took."""

    file: str
    name: str
    line: int
    """Where in the file it begins, from 1."""
    seconds: float
    failure: str | None = None
    properties: dict[str, str] = attrs.field(factory=dict)


def run_case(harness: Harness, path: Path, case: Case, *, report: Path | None, update: bool) -> Outcome:
    """Run one test, and keep what there is of it in the folder `report` if it fails. Raises ConnectError."""
    began = time.monotonic()
    bench = Bench(harness, f"{path.name}::{case.name}", path.absolute().parent, update_golden=update)
    failure: str | None = None
    properties: dict[str, str] = {}
    kept: Path | None = None
    try:
        try:
            _run(bench, case)
        except ConnectError:  # no fault of this test
            raise
        except (AssertionError, ClientError, OSError, ValueError) as error:
            failure = "\n".join([str(error) or type(error).__name__, *getattr(error, "__notes__", [])])
        properties["torpor_fuel"] = str(sum(each.fuel for each in bench.sessions))
        properties["torpor_turns"] = str(sum(each.turns_ended for each in bench.sessions))
        if failure is not None and report is not None:
            page = report / (unique_name(f"{path}::{case.name}::{case.line}") + ".html")
            kept = page.with_suffix(".db") if bench.has_vm else None
            state = kept.name if kept else None
            reporting.write_page(reporting.gather(bench, bench.test, failure, failure, state), page)
            properties["torpor_transcript"] = str(page)
    finally:
        bench.close(keep_state=kept)
    if kept is not None:
        properties["torpor_state"] = str(kept)
    return Outcome(str(path), case.name, case.line, time.monotonic() - began, failure, properties)


def _run(bench: Bench, case: Case) -> None:
    assert case.agent is not None
    if case.script is not None:
        steps = [each.step() if isinstance(each, ScriptStep) else each for each in case.script]
        bench.model.script(*steps)
    bench.options = dict(case.vm)
    files: dict[str, str | bytes] = dict(case.files)
    session = bench.session(case.agent, env=case.env, files=files, permissions=case.permissions, **case.session)
    for step in case.steps:
        _prompt(session, step)
    _check_end(bench, session, case)


def _prompt(session: TestSession, step: PromptStep) -> None:
    if step.sleep:
        session.vm.sleep()
    try:
        turn = session.prompt(step.prompt, timeout=step.timeout)
    except ClientError as error:
        if step.expect.error is not None and step.expect.error in str(error):
            return
        raise
    assert step.expect.error is None, f"the turn did not fail; an error was expected with {step.expect.error!r} in it"
    _check_turn(turn, step.expect)


def _check_turn(turn: Turn, wanted: StepExpectation) -> None:
    match wanted.text:
        case str():
            turn.expect_text(wanted.text)
        case TextExpectation():
            turn.expect_text(wanted.text.exactly, contains=wanted.text.contains, matches=wanted.text.matches)
    if wanted.stop is not None:
        turn.expect_stop(wanted.stop)
    if wanted.tools is not None:
        calls: list[Call | str] = []
        for each in wanted.tools:
            calls += [each] if isinstance(each, str) else [Call(name, given or {}) for name, given in each.items()]
        turn.expect_tool_calls(*calls)
    if wanted.permissions is not None:
        turn.expect_permissions(*wanted.permissions)
    turn.expect_budget(fuel=wanted.fuel, tool_calls=wanted.tool_calls, memory=wanted.memory)


def _check_end(bench: Bench, session: TestSession, case: Case) -> None:
    wanted = case.expect
    for path, content in wanted.files.items():
        if content is None:
            bench.vm.expect_no_file(path)
        elif isinstance(content, Content):
            bench.vm.expect_file(path, contains=content.contains)
        else:
            bench.vm.expect_file(path, content)
    if wanted.tree is not None:
        bench.vm.expect_tree(*wanted.tree)
    if wanted.changes is not None:
        bench.vm.expect_changes(dict(wanted.changes))
    if wanted.requests is not None:
        bench.model.expect_requests(wanted.requests)
    if wanted.golden is not None:
        session.expect_golden(wanted.golden)
