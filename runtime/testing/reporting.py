"""What is kept of a test that failed: its page, its VM's state, and words for CI systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.client.errors import ClientError
from runtime.testing.model import news
from runtime.testing.names import write_whole
from runtime.testing.page import Report, SessionPart, page

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.testing.harness import Bench

MAX_ANNOTATION: Final = 4000
"""Characters: GitHub cuts longer ones."""


def gather(bench: Bench, test: str, message: str, traceback: str, state: str | None) -> Report:
    """Return what there is to tell of a test; what cannot be had any more is left out."""
    report = Report(test, message, traceback, state=state)
    fuel = 0
    for session in bench.sessions:
        try:
            entries = session.transcript()
        except ClientError as error:
            report.facts["transcript"] = f"not to be had: {error}"
            continue
        fuel += sum(int(entry.data.get("fuelUsed") or 0) for entry in entries if entry.kind == "end")
        report.sessions.append(SessionPart(str(session.info.get("agentType")), entries))
    if bench.has_vm:
        try:
            report.diff = bench.vm.diff()
        except ClientError:
            report.diff = ""
        report.facts["VM"] = bench.vm.name
        report.facts["fuel"] = f"{fuel:,}"
    if bench.has_model:
        report.requests = [
            (each.path, each.outcome or "under way", news(each), each.body) for each in bench.model.requests
        ]
        report.facts["requests"] = str(len(report.requests))
    report.facts["turns"] = str(sum(entry.kind == "end" for each in report.sessions for entry in each.entries))
    report.facts["test"] = test
    return report


def write_page(report: Report, path: Path) -> None:
    """Write the page of a test."""
    write_whole(path, page(report))


def annotation(file: str, line: int, title: str, message: str) -> str:
    """Return a GitHub workflow command that shows an error beside the test's line.

    The escapes are those of GitHub's toolkit (`@actions/core`, command.ts).
    """
    cut = message[:MAX_ANNOTATION]
    data = cut.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    members = f"file={_property(file)},line={line},title={_property(title)}"
    return f"::error {members}::{data}"


def _property(value: str) -> str:
    for character, escaped in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C")):
        value = value.replace(character, escaped)
    return value
