"""What OpenAI's two APIs share: errors, models, credentials, and the texts in contents."""

from __future__ import annotations

from typing import Any, Final

from runtime.testing.model_json import encoded
from runtime.testing.script import Failure, Thinking, ToolCall, Turn

OPENAI_MODELS: Final = ("gpt-5.5", "gpt-5.5-mini")

CREATED: Final = 1_780_000_000
"""Seconds since the epoch; a scripted model is of no particular day."""

ERRORS: Final = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "not_found"),
    429: ("requests", "rate_limit_exceeded"),
}
"""`error.type` and `error.code` beside each status (OpenAI's documentation, "Error codes")."""


def error_members(failure: Failure) -> dict[str, Any]:
    """Return the `error` object of a failure."""
    kind, code = ERRORS.get(failure.status, ("server_error", None))
    return {"message": failure.message, "type": kind, "param": None, "code": failure.error_code or code}


def error_body(failure: Failure) -> dict[str, Any]:
    """Return the JSON body of an error answer."""
    return {"error": error_members(failure)}


def check_common(body: object, headers: dict[str, str], member: str) -> Failure | None:
    """Return the failure for missing credentials, model, or `member` (a list that is not empty, or a string)."""
    if not headers.get("authorization", "").startswith("Bearer "):
        return Failure(401, "You didn't provide an API key.")
    if not isinstance(body, dict):
        return Failure(400, "We could not parse the JSON body of your request.")
    if not isinstance(body.get("model"), str):
        return Failure(400, "you must provide a model parameter")
    value = body.get(member)
    if not value or not isinstance(value, list | str):
        return Failure(400, f"Missing required parameter: '{member}'.")
    return None


def content_text(content: Any) -> str:
    """Return the texts of a content (a string, or parts of any kind), joined by line ends."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def arguments_of(call: ToolCall) -> str:
    """Return a tool call's arguments as the string that goes out."""
    return encoded(call.input).decode() if call.raw_input is None else call.raw_input


def thinking_tokens(turn: Turn, characters_per_token: int) -> int:
    """Return how many tokens of a turn are thoughts."""
    return sum(len(block.text) for block in turn.blocks if isinstance(block, Thinking)) // characters_per_token


def pieces(text: str, size: int) -> list[str]:
    """Return the text in pieces of `size` characters."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def model_info(name: str) -> dict[str, Any]:
    """Return a model as GET /v1/models lists it."""
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "scripted"}


def model_list() -> dict[str, Any]:
    """Return the answer to GET /v1/models."""
    return {"object": "list", "data": [model_info(name) for name in OPENAI_MODELS]}
