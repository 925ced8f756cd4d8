"""What a scripted model says: the records of a script, which are also its JSON form.

A script is a list of steps, one for each request, or a function from a request to a step. In a file it is a JSON array:

    [{"type": "turn", "blocks": [{"type": "text", "text": "Hello"}]},
     {"type": "turn", "blocks": [{"type": "tool_use", "name": "write", "input": {"path": "a.txt", "content": "x"}}]},
     {"type": "failure", "status": 429, "retryAfter": 1},
     {"type": "turn", "blocks": [{"type": "text", "text": "half a"}], "break": {"kind": "disconnect", "after": 3}}]
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal

import msgspec

DEFAULT_CHUNK: Final = 16
"""Characters in a delta; short, so that even a short answer takes several events."""

ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The `error.type` that the Messages API puts beside each status (Anthropic's documentation, "Errors")."""


class Text(msgspec.Struct, frozen=True, tag_field="type", tag="text", forbid_unknown_fields=True):
    """A text block, streamed in deltas of `chunk` characters."""

    text: str
    chunk: int = DEFAULT_CHUNK


class Thinking(msgspec.Struct, frozen=True, tag_field="type", tag="thinking", forbid_unknown_fields=True):
    """A thinking block with its signature, which a client sends back unread."""

    text: str
    signature: str = "c2NyaXB0ZWQ="
    chunk: int = DEFAULT_CHUNK


class ToolCall(msgspec.Struct, frozen=True, tag_field="type", tag="tool_use", forbid_unknown_fields=True):
    """A tool call; its input goes out as pieces of JSON. `id` is made up when it is None.

    `raw_input` is streamed in place of the input's JSON, for arguments that do not parse.
    """

    name: str
    input: dict[str, Any] = {}
    id: str | None = None
    raw_input: str | None = msgspec.field(default=None, name="rawInput")
    chunk: int = DEFAULT_CHUNK


Block = Text | Thinking | ToolCall


class Break(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a streamed turn goes wrong, once `after` of its events are out; one that is not streamed, in the middle of its body.

    `disconnect` closes the connection, `malformed` sends an event whose data is no JSON and goes on, `error` sends an
    overloaded_error event and ends, `hang` sends nothing more but keeps the connection open until the client leaves.
    """

    kind: Literal["disconnect", "malformed", "error", "hang"]
    after: int


class Turn(msgspec.Struct, frozen=True, tag_field="type", tag="turn", forbid_unknown_fields=True):
    """One answer of the model. `delay` is the pause before each streamed event, in seconds.

    `stop_reason` None means tool_use if there is a tool call, else end_turn.
    """

    blocks: tuple[Block, ...]
    stop_reason: str | None = msgspec.field(default=None, name="stopReason")
    delay: float = 0.0
    break_: Break | None = msgspec.field(default=None, name="break")

    @property
    def effective_stop_reason(self) -> str:
        """The stop reason that goes out."""
        if self.stop_reason is not None:
            return self.stop_reason
        return "tool_use" if any(isinstance(block, ToolCall) for block in self.blocks) else "end_turn"


class Failure(msgspec.Struct, frozen=True, tag_field="type", tag="failure", forbid_unknown_fields=True):
    """An error in place of an answer, before any of it. `retry_after` is in seconds.

    `error_code` is what clients tell failures of one status apart by: Anthropic's `error.details.error_code`, OpenAI's
    `error.code`.
    """

    status: int
    message: str = "scripted failure"
    retry_after: float | None = msgspec.field(default=None, name="retryAfter")
    error_code: str | None = msgspec.field(default=None, name="errorCode")

    @property
    def error_type(self) -> str:
        """The `error.type` that belongs to the status."""
        return ERROR_TYPES.get(self.status, "api_error")


Step = Turn | Failure


def say(text: str, *, delay: float = 0.0, chunk: int = DEFAULT_CHUNK) -> Turn:
    """Return a turn that is only this text."""
    return Turn((Text(text, chunk),), delay=delay)


def call(name: str, **arguments: Any) -> Turn:
    """Return a turn that is one tool call with these arguments."""
    return Turn((ToolCall(name, arguments),))


def load_script(data: bytes) -> list[Step]:
    """Read a script from JSON; msgspec.ValidationError says what is wrong where. Halves of characters go out as such."""
    try:
        return msgspec.json.decode(data, type=list[Step])
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        try:
            value = json.loads(data)
        except ValueError:
            value = None
        if value is None:
            raise
        return msgspec.convert(value, list[Step])
