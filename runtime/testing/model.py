"""The scripted model of one test: served on the harness's loop, told what to say and asked what it heard by the test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.testing.script import Failure
from runtime.testing.scripted_model import ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.testing.messages_api import ModelRequest
    from runtime.testing.script import Step

MAX_SHOWN: Final = 300  # characters of one request's last message in a failure message


class TestModel(ScriptedModel):
    """A model that says what the test tells it to; beyond that it fails the request, which agents do not try again."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__([])
        self._steps: list[Step | str] = []

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
            raise AssertionError(f"{made} requests were made, {wanted} expected:\n{self._listed()}")

    def expect_request(self, index: int = -1, *, contains: str | None = None, **body: Any) -> None:
        """Expect of a request that some string in it has `contains` in it, and that its body has these members."""
        __tracebackhide__ = True
        if not -len(self.requests) <= index < len(self.requests):
            raise AssertionError(f"there is no request {index}:\n{self._listed()}")
        request = self.requests[index]
        for name, value in body.items():
            found = request.body.get(name)
            assert found == value, f"{name} of request {index} is {found!r}, expected {value!r}"
        if contains is not None and not any(contains in text for text in _strings(request.body)):
            raise AssertionError(f"request {index} does not contain {contains!r}:\n{self._listed()}")

    def expect_script_used(self) -> None:
        """Expect every step of the script to have been asked for, and nothing beyond."""
        __tracebackhide__ = True
        self.expect_requests(len(self._steps))

    def _listed(self) -> str:
        lines = []
        for number, request in enumerate(self.requests):
            said = " | ".join(_strings(request.messages[-1:])) if request.messages else ""
            shown = said if len(said) <= MAX_SHOWN else f"{said[:MAX_SHOWN]}…"
            lines.append(f"  {number}: {request.path} ({request.outcome}) {shown}")
        return "\n".join(lines) or "  (none)"


def _strings(value: Any) -> list[str]:
    """Return all strings in a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return []


__all__ = ["Failure", "TestModel"]
