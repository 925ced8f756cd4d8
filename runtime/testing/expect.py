"""What a test can expect of a turn. Failures say what was expected and found, and show the transcript around the place."""

from __future__ import annotations

import difflib
import fnmatch
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs

from runtime.testing import transcript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.testing.transcript import Entry, ToolCall

TRANSCRIPT: Final = "\ntranscript:\n"
"""What parts a message from the transcript that it shows."""


@attrs.frozen
class Call:
    """A tool call that is expected: a name (a glob, also for one of its titles), and some of its arguments."""

    name: str
    arguments: dict[str, Any] = attrs.field(factory=dict)

    def matches(self, call: ToolCall) -> bool:
        """Say whether it is this one. An argument may be a function of the value, which says so itself."""
        return any(fnmatch.fnmatchcase(name, self.name) for name in call.names) and not self.differences(call)

    def differences(self, call: ToolCall) -> list[str]:
        """Say which arguments are not as expected."""
        found = []
        for name, wanted in self.arguments.items():
            value = call.arguments.get(name)
            if not (wanted(value) if callable(wanted) else value == wanted):
                found.append(f"{name} is {value!r}, expected {wanted!r}")
        return found

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"


def tool(name: str, /, **arguments: Any) -> Call:
    """Return a tool call to expect, with these arguments at least."""
    return Call(name, arguments)


def text(found: Sequence[Entry], said: str, exactly: str | None, contains: str | None, matches: str | None) -> None:
    """Expect the agent's text."""
    __tracebackhide__ = True
    about = next((entry for entry in reversed(found) if entry.kind == "text"), None)
    if exactly is not None and said != exactly:
        lines = difflib.ndiff(exactly.splitlines(), said.splitlines())
        _fail("the agent's text is not as expected:\n" + "\n".join(f"  {line}" for line in lines), found, about)
    if contains is not None and contains not in said:
        _fail(f"the agent's text does not contain {contains!r}; it is {said!r}", found, about)
    if matches is not None and not re.search(matches, said):
        _fail(f"the agent's text does not match {matches!r}; it is {said!r}", found, about)


def stop(found: Sequence[Entry], reason: str, expected: str) -> None:
    """Expect a stop reason."""
    __tracebackhide__ = True
    if reason != expected:
        about = next((entry for entry in reversed(found) if entry.kind == "end"), None)
        _fail(f"the turn's stop reason is {reason!r}, expected {expected!r}", found, about)


def tool_calls(found: Sequence[Entry], expected: Sequence[Call | str]) -> None:
    """Expect exactly these calls in this order."""
    __tracebackhide__ = True
    wanted = [Call(each) if isinstance(each, str) else each for each in expected]
    calls = transcript.tool_calls(found)
    for number, (call, want) in enumerate(zip(calls, wanted, strict=False), 1):
        if not want.matches(call):
            why = "; ".join(want.differences(call))
            _fail(f"tool call {number} is {call}, expected {want}" + (f": {why}" if why else ""), found, call.entry)
    if len(calls) != len(wanted):
        listed = ", ".join(str(call) for call in calls) or "none"
        about = calls[len(wanted)].entry if len(calls) > len(wanted) else None
        missing = "" if about else f"; missing: {', '.join(str(want) for want in wanted[len(calls) :])}"
        _fail(f"{len(wanted)} tool calls expected, found {len(calls)}: {listed}{missing}", found, about)


def tool_call(found: Sequence[Entry], expected: Call, times: int | None) -> None:
    """Expect a call among others."""
    __tracebackhide__ = True
    calls = transcript.tool_calls(found)
    number = sum(expected.matches(call) for call in calls)
    if (number == 0 and times is None) or (times is not None and number != times):
        listed = ", ".join(str(call) for call in calls) or "none"
        often = "" if times is None else f" {times} times, found {number} times"
        _fail(
            f"tool call {expected} expected{often}; the calls are: {listed}", found, calls[0].entry if calls else None
        )


def permissions(found: Sequence[Entry], expected: Sequence[tuple[str, str]]) -> None:
    """Expect permission requests with their answers, in order."""
    __tracebackhide__ = True
    asked = asked_permissions(found)
    fits = len(asked) == len(expected) and all(
        fnmatch.fnmatchcase(title, want[0]) and any(fnmatch.fnmatchcase(answer, want[1]) for answer in answers)
        for (title, answers), want in zip(asked, expected, strict=True)
    )
    if not fits:
        about = next((entry for entry in found if entry.kind == "permission"), None)
        listed = [(title, answers[0] if answers else None) for title, answers in asked]
        _fail(f"permissions asked and answered: expected {list(expected)}, found {listed}", found, about)


def asked_permissions(found: Sequence[Entry]) -> list[tuple[str, list[str]]]:
    """Return what was asked, with the option id and the outcome of each answer."""
    replies = {entry.data.get("permissionId"): entry.data for entry in found if entry.kind == "reply"}
    asked = []
    for entry in found:
        if entry.kind == "permission":
            reply = replies.get(entry.data.get("permissionId"), {})
            answers = [str(reply[name]) for name in ("optionId", "outcome") if reply.get(name)]
            asked.append((str((entry.data.get("toolCall") or {}).get("title", "")), answers))
    return asked


def budget(found: Sequence[Entry], fuel_used: int, fuel: int | None, calls: int | None) -> None:
    """Expect no more than this to have been used."""
    __tracebackhide__ = True
    if fuel is not None and fuel_used > fuel:
        _fail(f"the turn took {fuel_used:,} of fuel, at most {fuel:,} was expected", found, None)
    calls_made = transcript.tool_calls(found)
    if calls is not None and len(calls_made) > calls:
        message = f"the turn took {len(calls_made)} tool calls, at most {calls} were expected"
        _fail(message, found, calls_made[calls].entry)


def memory(found: Sequence[Entry], taken: int | None, at_most: int) -> None:
    """Expect the agent to have had no more memory than this; None: the daemon does not tell how much it had."""
    __tracebackhide__ = True
    if taken is None:
        _fail("this daemon does not tell how much memory the agent had", found, None)
    if taken > at_most:
        _fail(f"the agent took {taken:,} bytes of memory, at most {at_most:,} were expected", found, None)


def turns(found: Sequence[Entry], at_most: int) -> None:
    """Expect no more turns than this."""
    __tracebackhide__ = True
    ends = [entry for entry in found if entry.kind == "end"]
    if len(ends) > at_most:
        message = f"the session took {len(ends)} turns, at most {at_most} were expected"
        _fail(message, found, ends[at_most])


def unmet(message: str, shown: str) -> AssertionError:
    """Return what a failed expectation raises; `shown` is the transcript, empty where there is none."""
    return AssertionError(f"{message}{TRANSCRIPT}{shown}" if shown else message)


def _fail(message: str, found: Sequence[Entry], about: Entry | None) -> NoReturn:
    __tracebackhide__ = True
    raise unmet(message, transcript.around(found, about))
