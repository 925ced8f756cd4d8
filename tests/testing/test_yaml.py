"""`torpor test`: files of YAML, what is printed, and exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from runtime.cli import exits
from runtime.cli.main import main
from runtime.testing.yaml_file import TestFileError, read

TESTS = """
agent: echo
files: {a.txt: one}
tests:
  - name: says and writes
    permissions: once
    env: {NAME: value, ECHO_LOAD: "1"}
    steps:
      - prompt: env NAME; fswrite b.txt two
        expect: {text: {contains: value, matches: "b|two|bytes"}}
      - prompt: permission Do it
        sleep: true
        expect: {permissions: [["Do *", allow-once]], text: "permission: allow-once"}
      - prompt: stop max_tokens
        expect: {stop: max_tokens, fuel: 1000000000, toolCalls: 0}
      - prompt: fail no luck
        expect: {error: no luck}
      - prompt: say small
        expect: {memory: 67108864}
    vm: {limits: {memoryBytes: 67108864}}
    expect:
      files: {b.txt: two, a.txt: {contains: o}, c.txt: null}
      tree: [a.txt, "b.*"]
      changes: {b.txt: added}
  - name: pi is told what to do
    agent: pi
    script:
      - call: {write: {path: c.txt, content: x}}
      - {fail: {type: failure, status: 529, retryAfter: 0.01}}
      - Done.
    steps:
      - {prompt: go, expect: {text: Done., tools: [write: {path: c.txt}]}}
    expect: {requests: 3}
  - name: "fails # here"
    steps:
      - {prompt: say yes, expect: {text: "no"}}
  - name: gets no further
    steps:
      - {prompt: say so far; fail no luck}
"""


@pytest.fixture
def tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("tests.yaml").write_text(TESTS)
    return "tests.yaml"


def test_pretty(tests: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", tests, "--junit", "junit.xml"]) == exits.FAILED
    said = capsys.readouterr().out
    assert "ok   tests.yaml: says and writes" in said, said
    assert "ok   tests.yaml: pi is told what to do" in said, said
    assert "FAIL tests.yaml: fails # here" in said
    assert re.search(
        r"^     transcript: torpor-report/tests.yaml-fails-here-\d+-[0-9a-f]{12}.html$", said, re.MULTILINE
    )
    assert "     transcript:\n" in said[said.index("FAIL tests.yaml: gets no further") :]
    assert said.splitlines()[-1].startswith("2 passed, 2 failed in ")
    assert sorted(path.suffix for path in Path("torpor-report").iterdir()) == [".db", ".db", ".html", ".html"]
    cases = list(ET.parse("junit.xml").iter("testcase"))  # noqa: S314 - it is our own
    assert [case.find("failure") is None for case in cases] == [True, True, False, False]


def test_failures_on_github(tests: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["test", tests, "--report", "", "--name", "fails"]) == exits.FAILED
    line = TESTS.splitlines().index('  - name: "fails # here"') + 1
    said = capsys.readouterr().out
    assert f"\n::error file=tests.yaml,line={line},title=fails # here::the agent's text is not as expected:%0A" in said
    assert main(["test", tests, "--report", "", "--name", "says"]) == exits.OK
    assert "::error" not in capsys.readouterr().out


def test_no_daemon(tests: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", tests, "--socket", str(tmp_path / "none")]) == exits.NO_DAEMON
    assert "no daemon answers" in capsys.readouterr().err
    assert main(["test", tests, "--executable", str(tmp_path / "none")]) == exits.FAILED
    assert "No such file" in capsys.readouterr().err
    assert not Path("torpor-report").exists()


def test_tap_and_selection(tests: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", tests, "--format", "tap", "--report", "", "--name", "says"]) == exits.OK
    assert capsys.readouterr().out == "TAP version 14\n1..1\nok 1 - tests.yaml: says and writes\n"
    assert main(["test", tests, "--format", "tap", "--report", "", "--name", "fails"]) == exits.FAILED
    said = capsys.readouterr().out
    assert "not ok 1 - tests.yaml: fails \\# here\n  ---\n  message: " in said
    assert not Path("torpor-report").exists()
    assert main(["test", tests, "--json", "--name", "says"]) == exits.OK
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert main(["test", tests, "--name", "none"]) == exits.USAGE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tests: [", "while parsing"),
        ("tests: [{name: x, steps: [{promt: a}]}]", r"unknown field `promt` - at `\$.tests\[0\].steps\[0\]`"),
        ("tests: [{name: x, steps: []}]", "test 'x' names no agent"),
        ("{agent: echo, tests: [{name: x, steps: [], script: [{say: a, call: {b: {}}}]}]}", "one of say, call"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(TestFileError, match=message):
        read(path)
    assert main(["test", str(path)]) == exits.USAGE
    assert main(["test", str(tmp_path / "none.yaml")]) == exits.USAGE
