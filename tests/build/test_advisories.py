"""Advisories: what the services' answers are taken for, and what the dated list says of the pins."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest

from tests.build.conftest import ROOT

TODAY = dt.date(2026, 11, 29)
LIST = """
date = 2026-11-20
[[advisory]]
id = "CVE-1"
aliases = ["GHSA-1"]
registry = "pypi"
package = "wasmtime"
affected = [">=47,<48.0.4", ">=49,<49.0.2"]
title = "a hole"
[[accepted]]
id = "CVE-1"
package = "wasmtime"
reason = "it is off"
until = 2026-12-01
"""
NPM_LOCK = json.dumps(
    {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "ours", "version": "1.0.0"},
            "node_modules/a": {"version": "1.2.3"},
            "node_modules/@scope/b/node_modules/a": {"version": "2.0.0"},
            "node_modules/alias": {"name": "real", "version": "3.0.0"},
            "node_modules/linked": {"link": True, "resolved": "elsewhere"},
        },
    }
)


def holds(
    advisories: Any, version: str, *, today: dt.date = TODAY, text: str = LIST, **answers: Any
) -> tuple[str, bool]:
    lines, good = advisories.report(
        answers, advisories.read_list(text), [advisories.Package("pypi", "wasmtime", version)], today
    )
    return "\n".join(lines), good


@pytest.mark.parametrize(
    ("version", "affected"),
    [("46.9.0", 0), ("47.0.0", 1), ("48.0.4", 0), ("49.0.0", 1), ("49.0.1rc1", 1), ("49.0.2", 0), ("of today", 1)],
)
def test_a_version_is_affected_in_any_of_the_ranges(advisories: Any, version: str, affected: int) -> None:
    package = advisories.Package("pypi", "wasmtime", version)
    assert len(advisories.read_list(LIST).findings([package])) == affected


def test_packages_of_other_names_and_registries_are_not_meant(advisories: Any) -> None:
    others = [advisories.Package("npm", "wasmtime", "49.0.0"), advisories.Package("pypi", "wasm", "49.0.0")]
    assert advisories.read_list(LIST).findings(others) == ()


def test_a_hit_of_the_list_fails_unless_it_is_accepted(advisories: Any) -> None:
    said, good = holds(advisories, "49.0.0")
    assert good
    assert "accepted until 2026-12-01: it is off" in said
    said, good = holds(advisories, "49.0.0", text=LIST.partition("[[accepted]]")[0])
    assert not good
    assert "wasmtime 49.0.0 (pypi): CVE-1, GHSA-1: a hole\n    NOT ACCEPTED" in said


def test_an_acceptance_ends(advisories: Any) -> None:
    assert holds(advisories, "49.0.0", today=dt.date(2026, 12, 1))[1]
    assert not holds(advisories, "49.0.0", today=dt.date(2026, 12, 2))[1]


def test_an_acceptance_is_for_one_package(advisories: Any) -> None:
    text = LIST.replace('id = "CVE-1"\npackage = "wasmtime"', 'id = "CVE-1"\npackage = "other"')
    assert not holds(advisories, "49.0.0", text=text)[1]


def test_a_service_that_is_not_reached_is_named_and_fails_nothing(advisories: Any) -> None:
    said, good = holds(advisories, "50.0.1", locks=advisories.Answer(unreached="no route"))
    assert good
    assert said.splitlines() == [
        "locks: NOT REACHED (no route); only the list of 2026-11-20 stands for it",
        "list of 2026-11-20: 1 advisories, none of them on what is pinned",
    ]


def test_a_service_that_knows_nothing_says_so(advisories: Any) -> None:
    said, good = holds(advisories, "50.0.1", locks=advisories.Answer())
    assert good
    assert "locks: reached, nothing known" in said


def test_what_a_service_finds_fails_and_is_accepted_by_any_of_its_names(advisories: Any) -> None:
    package = advisories.Package("pypi", "wasmtime", "50.0.1")
    found = advisories.Answer((advisories.Finding(package, ("PYSEC-1", "CVE-2"), "another"),))
    said, good = holds(advisories, "50.0.1", locks=found)
    assert not good
    assert "locks: reached, 1 found" in said
    assert "PYSEC-1, CVE-2: another\n    NOT ACCEPTED" in said
    same = advisories.Answer((advisories.Finding(package, ("PYSEC-1", "CVE-1"), "a hole"),))
    assert holds(advisories, "50.0.1", locks=same)[1]


def test_what_list_and_service_both_know_is_told_once(advisories: Any) -> None:
    package = advisories.Package("pypi", "wasmtime", "49.0.0")
    same = advisories.Answer((advisories.Finding(package, ("PYSEC-1", "GHSA-1"), "a hole"),))
    assert holds(advisories, "49.0.0", locks=same)[0].count("a hole") == 1


@pytest.mark.parametrize(
    "text", ["", "date = 2026-11-20\n", LIST.replace(">=47", "newer than 47"), LIST + "x = 1\n", "["]
)
def test_a_list_that_is_none_is_refused(advisories: Any, build_error: type[Exception], text: str) -> None:
    with pytest.raises(build_error, match=r"build/advisories\.toml"):
        advisories.read_list(text)


def test_pip_audit_finds(advisories: Any) -> None:
    vulnerability = {"id": "PYSEC-1", "aliases": ["CVE-1"], "description": "First line.\nMore.", "fix_versions": []}
    output = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": [vulnerability]},
            {"name": "b", "version": "2", "vulns": []},
        ]
    }
    answer = advisories.read_pip_audit(json.dumps(output))
    assert answer.unreached == ""
    (finding,) = answer.findings
    assert (str(finding.package), finding.ids, finding.title) == ("a 1 (pypi)", ("PYSEC-1", "CVE-1"), "First line.")


def test_pip_audit_that_was_told_of_no_package_has_reached_nothing(advisories: Any) -> None:
    skipped = {"name": "a", "skip_reason": "Dependency not found on PyPI and could not be audited: a (1)"}
    known = {"name": "b", "version": "2", "vulns": []}
    assert (
        advisories.read_pip_audit(json.dumps({"dependencies": [skipped]})).unreached == "no answer for 1 of 1 packages"
    )
    partly = advisories.read_pip_audit(json.dumps({"dependencies": [skipped, known]}))
    assert partly.unreached == "no answer for 1 of 2 packages"
    assert advisories.read_pip_audit('{"dependencies": []}').unreached


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("", "it said nothing"),
        ("Traceback (most recent call last):\n  File\nConnectionError: no route\n", "ConnectionError: no route"),
        ("ERROR: no such option\n", "ERROR: no such option"),
        ("[]", "[]"),
    ],
)
def test_a_tool_that_answers_otherwise_has_reached_nothing(advisories: Any, output: str, why: str) -> None:
    assert advisories.read_pip_audit(output).unreached == why
    assert advisories.read_npm_audit(output, {}).unreached == why


def test_packages_of_a_lock_file_of_npm_are_read_by_their_places(advisories: Any) -> None:
    assert {place: str(package) for place, package in advisories.locked_in_npm(NPM_LOCK).items()} == {
        "node_modules/a": "a 1.2.3 (npm)",
        "node_modules/@scope/b/node_modules/a": "a 2.0.0 (npm)",
        "node_modules/alias": "real 3.0.0 (npm)",
    }


def test_npm_audit_finds_in_the_places_it_names(advisories: Any) -> None:
    advisory = {
        "source": 1,
        "name": "a",
        "title": "A hole",
        "url": "https://example.com/advisories/GHSA-1",
        "range": "<1.3",
    }
    output = {
        "vulnerabilities": {
            "a": {"via": [advisory, advisory], "nodes": ["node_modules/a"]},
            "real": {"via": ["a"], "nodes": ["node_modules/alias"]},
        }
    }
    answer = advisories.read_npm_audit(json.dumps(output), advisories.locked_in_npm(NPM_LOCK))
    assert answer.unreached == ""
    (finding,) = answer.findings
    assert (str(finding.package), finding.ids, finding.title) == ("a 1.2.3 (npm)", ("GHSA-1",), "A hole")


def test_npm_audit_without_its_service_names_no_host(advisories: Any) -> None:
    output = json.dumps({"message": "405 Method Not Allowed - POST https://example.com/bulk", "statusCode": 405})
    assert advisories.read_npm_audit(output, {}).unreached == "405 Method Not Allowed"


def test_every_lock_file_of_npm_is_asked_about(advisories: Any) -> None:
    skipped = {"node_modules", ".venv", "dist", ".pytest_cache", "site"}
    found = {
        path.parent.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("package-lock.json")
        if not skipped & set(path.relative_to(ROOT).parts)
    }
    assert found == set(advisories.NPM_LOCKS)


def test_the_list_holds_the_holes_that_moved_us_and_not_what_is_pinned(advisories: Any) -> None:
    dated = advisories.read_list((ROOT / "build" / "advisories.toml").read_text("utf-8"))
    before = dated.findings([advisories.Package("pypi", "wasmtime", "49.0.0")])
    assert {"RUSTSEC-2026-0327", "CVE-2026-119134", "GHSA-6fr9-xmw9-5352"} <= {finding.ids[0] for finding in before}
    pinned = advisories.locked_in_python((ROOT / "requirements.lock").read_text("utf-8"))
    found = dated.findings(pinned)
    assert [finding for finding in found if dated.acceptance(finding, dated.date) is None] == []
    accepted = {each.id for each in dated.accepted}
    assert accepted <= {each for finding in found for each in finding.ids}, "accepted, and no longer to be found"


def test_security_md_tells_of_each_finding_that_stays(advisories: Any) -> None:
    dated = advisories.read_list((ROOT / "build" / "advisories.toml").read_text("utf-8"))
    told = set(re.findall(r"GHSA(?:-\w{4}){3}|(?:CVE|RUSTSEC)-\d+-\d+", (ROOT / "SECURITY.md").read_text("utf-8")))
    assert {each.id for each in dated.accepted} <= told
    known = {each for advisory in dated.advisories for each in advisory.ids}
    assert told <= known, "told, and not in the list"
