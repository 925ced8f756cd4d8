"""How the tests of YAML files went: for people, as TAP (version 14), and as JUnit's XML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from runtime.testing.reporting import annotation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.testing.yaml_run import Outcome


def pretty(outcome: Outcome) -> str:
    """Return an outcome as a line, with what failed below it."""
    mark = "ok  " if outcome.failure is None else "FAIL"
    lines = [f"{mark} {outcome.file}: {outcome.name} ({outcome.seconds:.2f} s)"]
    lines += [f"     {line}".rstrip() for line in (outcome.failure or "").splitlines()]
    if outcome.failure is not None:
        shown = {"transcript": "torpor_transcript", "state": "torpor_state"}
        lines += [
            f"     {label}: {outcome.properties[name]}" for label, name in shown.items() if name in outcome.properties
        ]
    return "\n".join(lines) + "\n"


def github(outcome: Outcome) -> str:
    """Return what shows a failure beside the test's line on GitHub."""
    return f"{annotation(outcome.file, outcome.line, outcome.name, outcome.failure or '')}\n"


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome for programs; `failure` is null when the test passed."""
    return {
        "file": outcome.file,
        "name": outcome.name,
        "passed": outcome.failure is None,
        "seconds": round(outcome.seconds, 3),
        "failure": outcome.failure,
        "properties": outcome.properties,
    }


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return the last line."""
    failed = sum(outcome.failure is not None for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    return f"{len(outcomes) - failed} passed, {failed} failed in {seconds:.2f} s\n"


def tap(number: int, outcome: Outcome) -> str:
    """Return an outcome as a test point, with its failure as a YAML block (JSON is YAML)."""
    name = f"{outcome.file}: {outcome.name}".replace("\\", "\\\\").replace("#", "\\#")
    if outcome.failure is None:
        return f"ok {number} - {name}\n"
    told = {"message": outcome.failure, **outcome.properties}
    block = "".join(f"  {key}: {json.dumps(value)}\n" for key, value in told.items())
    return f"not ok {number} - {name}\n  ---\n{block}  ...\n"


def junit(outcomes: Sequence[Outcome]) -> str:
    """Return all outcomes as JUnit's XML."""
    failed = sum(outcome.failure is not None for outcome in outcomes)
    seconds = f"{sum(outcome.seconds for outcome in outcomes):.3f}"
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root, "testsuite", name="torpor", tests=str(len(outcomes)), failures=str(failed), errors="0", time=seconds
    )
    for outcome in outcomes:
        case = ET.SubElement(
            suite, "testcase", classname=outcome.file, name=outcome.name, time=f"{outcome.seconds:.3f}"
        )
        properties = ET.SubElement(case, "properties")
        for name, value in outcome.properties.items():
            ET.SubElement(properties, "property", name=name, value=_xml(value))
        if outcome.failure is not None:
            failure = ET.SubElement(case, "failure", message=_xml(outcome.failure.splitlines()[0]))
            failure.text = _xml(outcome.failure)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _xml(text: str) -> str:
    """Return the text without the characters that XML 1.0 cannot carry."""
    return "".join(each if each in "\t\n\r" or each >= " " else "\N{REPLACEMENT CHARACTER}" for each in text)
