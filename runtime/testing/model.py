"""The scripted model of one test: served on the harness's loop, told what to say and asked what it heard by the test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.testing.expect import unmet
from runtime.testing.messages_api import text_of
from runtime.testing.scripted_model import ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.testing.messages_api import ModelRequest
    from runtime.testing.script import Step

MAX_SHOWN: Final = 300
"""Characters of what is new in a request, in a failure message."""


class TestModel(ScriptedModel):
    """A model that says what the test tells it to; beyond that it fails the request, which agents do not try again."""

    __test__ = False

    def __init__(self, story: Callable[[], str] = str) -> None:
        super().__init__([])
        self._steps: list[Step | str] = []
        self._story = story

    def script(self, *steps: Step | str) -> None:
        """Add what the model says next, one step for each request."""
        self._steps += steps
        self._script = self._steps

    def answer(self, function: Callable[[ModelRequest], Step | str]) -> None:
        """Have a function answer every request from now on."""
        self._script = function

    @property
    def host(self) -> str:
        """HOST:PORT, as a network grant names it."""
        return self.url.removeprefix("http://")

    @property
    def env(self) -> dict[str, str]:
        """The variables that point agents to the model, under the names that the vendors' SDKs read."""
        return {
            "ANTHROPIC_API_KEY": "scripted",
            "ANTHROPIC_BASE_URL": self.url,
            "OPENAI_API_KEY": "scripted",
            "OPENAI_BASE_URL": f"{self.url}/v1",
        }

    def expect_requests(self, number: int | None = None, *, at_most: int | None = None) -> None:
        """Expect so many requests to have been made."""
        __tracebackhide__ = True
        made = len(self.requests)
        if (number is not None and made != number) or (at_most is not None and made > at_most):
            wanted = f"{number}" if number is not None else f"at most {at_most}"
            raise self._unmet(f"{made} requests were made, {wanted} expected")

    def expect_request(self, index: int = -1, *, contains: str | None = None, **body: Any) -> None:
        """Expect of a request that some string in it has `contains` in it, and that its body has these members."""
        __tracebackhide__ = True
        if not -len(self.requests) <= index < len(self.requests):
            raise self._unmet(f"there is no request {index}")
        request = self.requests[index]
        for name, value in body.items():
            found = request.body.get(name)
            if found != value:
                raise self._unmet(f"{name} of request {index} is {found!r}, expected {value!r}")
        if contains is not None and not any(contains in text for text in _strings(request.body)):
            raise self._unmet(f"request {index} does not contain {contains!r}")

    def expect_script_used(self) -> None:
        """Expect every step of the script to have been asked for, and nothing beyond."""
        __tracebackhide__ = True
        self.expect_requests(len(self._steps))

    def _unmet(self, message: str) -> AssertionError:
        lines = [f"  {number}: {summary(request)}" for number, request in enumerate(self.requests)]
        return unmet("\n".join([f"{message}; the requests are:", *(lines or ["  (none)"])]), self._story())


def summary(request: ModelRequest) -> str:
    """Return a request in one line: where it went, what came of it, and what was new in it."""
    return f"{request.path} ({request.outcome or 'under way'}) {news(request)}".rstrip()


def news(request: ModelRequest) -> str:
    """Return what was new in a request, in one line: the last prompt, or the results of the model's tool calls."""
    results = [text_of(each.get("content") or "") for each in request.tool_results()]
    said = f"result: {' | '.join(results)}" if results else (request.prompts() or [""])[-1]
    line = " ".join(said.split())
    return line if len(line) <= MAX_SHOWN else f"{line[:MAX_SHOWN]}…"


def _strings(value: Any) -> list[str]:
    """Return all strings in a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return []
