"""Tests of agents as YAML, for people without Python: the shape of a file, and how it is read.

agent: pi
tests:
  - name: writes a file
    script:
      - call: {write: {path: a.txt, content: hi}}
      - say: Done.
    steps:
      - prompt: Write hi to a.txt.
        expect: {text: Done., tools: [write]}
    expect:
      files: {a.txt: hi}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
import yaml  # type: ignore[import-untyped] # its types are a package of its own, for one call here

from runtime.testing.script import Failure, Turn, call, say

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.testing.script import Step

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
"""A file of tests that a person wrote, with the files that it puts in place."""


class TestFileError(Exception):
    """A file of tests cannot be used; the message names it, and the place in it."""

    __test__ = False


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base: members in camelCase, and no others."""


class TextExpectation(_Part, frozen=True):
    """What the agent's text is to be."""

    exactly: str | None = None
    contains: str | None = None
    matches: str | None = None


class StepExpectation(_Part, frozen=True):
    """What is expected of one turn. `tools` are names, or {name: arguments}, in order; `permissions` [title, answer]."""

    text: str | TextExpectation | None = None
    stop: str | None = "end_turn"
    tools: list[str | dict[str, dict[str, Any] | None]] | None = None
    permissions: list[tuple[str, str]] | None = None
    fuel: int | None = None
    tool_calls: int | None = None
    memory: int | None = None
    """Bytes that the VM's limit must hold each agent to."""
    error: str | None = None
    """A part of the message with which the turn is to fail."""


class PromptStep(_Part, frozen=True):
    """One turn; `sleep` puts the VM to sleep before it."""

    prompt: str | list[dict[str, Any]]
    expect: StepExpectation = StepExpectation()
    timeout: float = 60.0
    """Seconds."""
    sleep: bool = False


class Content(_Part, frozen=True):
    """A part of a file's content."""

    contains: str


class EndExpectation(_Part, frozen=True):
    """What is expected when all turns are over. A file that is null is not there."""

    files: dict[str, str | Content | None] = {}
    tree: list[str] | None = None
    changes: dict[str, Literal["added", "changed", "removed"]] | None = None
    requests: int | None = None
    golden: str | None = None
    """A name in `golden/` beside the file."""


class ScriptStep(_Part, frozen=True):
    """One answer of the model: exactly one of these. `turn` is the long form, as in a script file."""

    say: str | None = None
    call: dict[str, dict[str, Any]] | None = None
    fail: Failure | None = None
    turn: Turn | None = None

    def step(self) -> Step:
        """Return it as a step of a script; ValueError unless it is exactly one."""
        given = [each for each in (self.say, self.call, self.fail, self.turn) if each is not None]
        if len(given) != 1 or (self.call is not None and len(self.call) != 1):
            raise ValueError("a step of a script is one of say, call (of one tool), fail and turn")
        if self.say is not None:
            return say(self.say)
        if self.call is not None:
            ((name, arguments),) = self.call.items()
            return call(name, **arguments)
        return self.fail or self.turn or Turn(())


class GivenCase(_Part, frozen=True):
    """One test in a file. What the file says for all of them holds where the test says nothing; files and env are joined."""

    name: str
    steps: list[PromptStep]
    agent: str | None = None
    files: dict[str, str] = {}
    env: dict[str, str] = {}
    vm: dict[str, Any] = {}
    session: dict[str, Any] = {}
    permissions: Literal["once", "always", "reject"] | None = None
    script: list[str | ScriptStep] | None = None
    expect: EndExpectation = EndExpectation()


class Case(GivenCase, frozen=True, kw_only=True):
    """One test with all that the file says for it."""

    line: int
    """Where it begins, from 1."""


class TestFile(_Part, frozen=True):
    """A file. `vm` and `session` are options in the API's own form."""

    __test__ = False

    tests: list[GivenCase]
    agent: str | None = None
    files: dict[str, str] = {}
    env: dict[str, str] = {}
    vm: dict[str, Any] = {}
    session: dict[str, Any] = {}
    permissions: Literal["once", "always", "reject"] | None = None


def read(path: Path) -> list[Case]:
    """Return the tests of a file, complete. Raises TestFileError, OSError."""
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise TestFileError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    try:
        found = msgspec.yaml.decode(data, type=TestFile)
        cases = [_complete(found, case, line) for case, line in zip(found.tests, _lines(data), strict=True)]
    except (msgspec.DecodeError, ValueError) as error:  # ValidationError, and what PyYAML says, among them
        raise TestFileError(f"{path}: {error}") from error
    return cases


def _lines(data: bytes) -> list[int]:
    """Return the lines, from 1, on which the tests of a file that has been read begin."""
    root = yaml.compose(data, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    (tests,) = (value for key, value in root.value if key.value == "tests")
    return [each.start_mark.line + 1 for each in tests.value]


def _complete(file: TestFile, case: GivenCase, line: int) -> Case:
    agent = case.agent or file.agent
    if agent is None:
        raise ValueError(f"test {case.name!r} names no agent, and the file none for all")
    for step in case.script or []:
        if isinstance(step, ScriptStep):
            step.step()
    joined = {
        "agent": agent,
        "files": {**file.files, **case.files},
        "env": {**file.env, **case.env},
        "vm": {**file.vm, **case.vm},
        "session": {**file.session, **case.session},
        "permissions": case.permissions or file.permissions,
    }
    return Case(**{**msgspec.structs.asdict(case), **joined}, line=line)
