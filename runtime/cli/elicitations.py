"""What `torpor run` does when an agent questions the person at the terminal: forms line by line, and pages to visit."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

from runtime.cli import output
from runtime.client.sync import RpcError

if TYPE_CHECKING:
    from runtime.client.sync import Client

Value = str | bool | int | float | list[str]
"""What is filled in."""


def answer(client: Client, ids: dict[str, Any], request: dict[str, Any], *, ask: bool) -> bool:
    """Answer one question; False when the person at the terminal interrupted instead.

    Without anybody to `ask` it is declined: a session that was made at a terminal may go on elsewhere.
    """
    if not ask:
        output.say(f"declined: {output.one_line(str(request.get('message')))} (nobody is at a terminal to be asked)")
        return _said(client, ids, request, {"action": "decline"})
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        said = _asked(request)
    except KeyboardInterrupt:
        return False
    finally:
        signal.signal(signal.SIGINT, before)
    return _said(client, ids, request, said)


def _said(client: Client, ids: dict[str, Any], request: dict[str, Any], said: dict[str, Any]) -> bool:
    try:
        client.call("respondElicitation", **ids, questionId=request["questionId"], **said)
    except RpcError as error:
        if error.name != "elicitation_not_pending":  # then somebody else was first, or the turn is over
            raise
    return True


def _asked(request: dict[str, Any]) -> dict[str, Any]:
    sys.stderr.write(f"The agent asks: {output.one_line(str(request.get('message')))}\n")
    if request.get("mode") == "url":
        sys.stderr.write(f"  to visit {output.one_line(str(request.get('url')))}\n")
        return {"action": "accept" if _line("done? y, or nothing to decline: ").lower() in ("y", "yes") else "decline"}
    content = {}
    for field in fields(request):
        value = field.ask()
        if value is None and field.is_required:
            return {"action": "decline"}
        if value is not None:
            content[field.name] = value
    return {"action": "accept", "content": content}


def fields(request: dict[str, Any]) -> list[Field]:
    """The members of a form that an agent asks to be filled in."""
    schema = request.get("requestedSchema") or {}
    properties = schema.get("properties")
    required = schema.get("required") or []
    return [
        Field(name, property_ if isinstance(property_, dict) else {}, is_required=name in required)
        for name, property_ in (properties if isinstance(properties, dict) else {}).items()
    ]


class Field:
    """One member of a form, as JSON schema describes it."""

    def __init__(self, name: str, schema: dict[str, Any], *, is_required: bool) -> None:
        self.name = name
        self.is_required = is_required
        self._title = output.one_line(str(schema.get("title") or name))
        self._about = output.one_line(str(schema.get("description") or ""))
        self._type = schema.get("type")
        items = schema.get("items")
        source = items if self._type == "array" and isinstance(items, dict) else schema
        self.choices = _choices(source)
        self.default = schema.get("default")

    @property
    def heading(self) -> str:
        """What is asked for, and what nothing means."""
        about = f" ({self._about})" if self._about else ""
        return f"{self._title}{about}" + ("" if self.default is None else f" [{output.one_line(str(self.default))}]")

    def ask(self) -> Value | None:
        """What the person fills in; None for nothing. Raises KeyboardInterrupt."""
        for number, (_, title) in enumerate(self.choices, 1):
            sys.stderr.write(f"  {number}. {title}\n")
        while True:
            typed = _line(f"{self.heading}: ")
            if not typed:
                return self.default
            try:
                return self.parse(typed)
            except ValueError as error:
                sys.stderr.write(f"{error}\n")

    def parse(self, typed: str) -> Value:
        """What was typed, as the form has it. Raises ValueError, which says what is expected."""
        if self.choices and self._type == "array":
            return [self._chosen(each) for each in typed.replace(",", " ").split()]
        if self.choices:
            return self._chosen(typed)
        if self._type == "boolean":
            if typed.lower() not in ("y", "yes", "n", "no", "true", "false"):
                raise ValueError("y or n")
            return typed.lower() in ("y", "yes", "true")
        if self._type in ("integer", "number"):
            try:
                return int(typed) if self._type == "integer" else float(typed)
            except ValueError:
                raise ValueError(f"{self._type} expected") from None
        return [typed] if self._type == "array" else typed

    def _chosen(self, typed: str) -> str:
        for number, (value, _) in enumerate(self.choices, 1):
            if typed in (str(number), value):
                return value
        raise ValueError(f"1-{len(self.choices)}")


def _choices(schema: dict[str, Any]) -> list[tuple[str, str]]:
    """(value, title) of what may be chosen; nothing where anything may be typed."""
    found = schema.get("oneOf") or schema.get("anyOf")
    if isinstance(found, list):
        titled = [(each.get("const"), each.get("title")) for each in found if isinstance(each, dict)]
        return [(value, output.one_line(str(title or value))) for value, title in titled if isinstance(value, str)]
    values = schema.get("enum")
    return [(value, output.one_line(value)) for value in values or () if isinstance(value, str)]


def _line(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
