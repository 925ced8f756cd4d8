"""OpenAI's Chat Completions as data: requests checked, answers and their chunks made. No I/O.

The shapes are those of the public API reference. Thoughts are not part of them: they show in the usage alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.testing.messages_api import CHARACTERS_PER_TOKEN, ModelRequest, count_tokens
from runtime.testing.model_json import encoded
from runtime.testing.openai_common import (
    CREATED,
    arguments_of,
    check_common,
    content_text,
    error_body,
    pieces,
    thinking_tokens,
)
from runtime.testing.script import Failure, Text, ToolCall, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH: Final = "/v1/chat/completions"
FINISH_REASONS: Final = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "refusal": "content_filter",
}
ROLES: Final = {"developer", "system", "user", "assistant", "tool"}
MALFORMED: Final = b'data: {"id": "chatcmpl", "choi\n\n'


class ChatRequest(ModelRequest):
    """A request in Chat Completions' form."""

    @property
    def tool_names(self) -> list[str]:
        """The names of the functions that the model may call."""
        return [tool["function"]["name"] for tool in self.body.get("tools") or [] if "function" in tool]

    @property
    def system(self) -> str:
        """The system's and the developer's messages as one string."""
        found = [each for each in self.messages if each.get("role") in {"system", "developer"}]
        return "\n".join(content_text(each.get("content")) for each in found)

    def prompts(self) -> list[str]:
        """Return the text of every message in which the user says something, oldest first."""
        texts = [content_text(each.get("content")) for each in self.messages if each.get("role") == "user"]
        return [text for text in texts if text]

    def tool_results(self) -> list[dict[str, Any]]:
        """Return the results at the end of the conversation, in the form of Messages' tool_result blocks."""
        found: list[dict[str, Any]] = []
        for each in reversed(self.messages):
            if each.get("role") != "tool":
                break
            text = content_text(each.get("content"))
            found.insert(0, {"type": "tool_result", "tool_use_id": each.get("tool_call_id"), "content": text})
        return found


def check_request(body: object, headers: dict[str, str]) -> Failure | None:
    """Return the failure that the real API answers a wrong request with, or None."""
    mistake = check_common(body, headers, "messages")
    if mistake is not None:
        return mistake
    assert isinstance(body, dict)
    pending: set[str] = set()
    for index, message in enumerate(body["messages"]):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ROLES:
            return Failure(400, f"Invalid value for 'messages[{index}].role'")
        if role == "tool":
            if message.get("tool_call_id") not in pending:
                return Failure(400, f"messages[{index}]: role 'tool' must be a response to a preceding 'tool_calls'")
            pending.discard(message["tool_call_id"])
        elif pending:
            break
        if role == "assistant":
            pending = {call["id"] for call in message.get("tool_calls") or []}
    if pending:
        return Failure(400, f"'tool_calls' must be followed by tool messages; missing: {sorted(pending)}")
    return None


def whole_body(turn: Turn, request: ModelRequest) -> dict[str, Any]:
    """Return the answer to a request without `stream`."""
    text = "".join(block.text for block in turn.blocks if isinstance(block, Text))
    message: dict[str, Any] = {"role": "assistant", "content": text or None, "refusal": None}
    calls = [_whole_call(block) for block in turn.blocks if isinstance(block, ToolCall)]
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(turn)}
    head = _head(request, "chat.completion", request.reply_id)
    return {**head, "choices": [choice], "usage": _usage(turn, request)}


def stream_events(turn: Turn, _whole: dict[str, Any], request: ModelRequest) -> Iterator[bytes]:
    """Yield the server-sent events that answer a request with `stream`, one whole event each."""
    head = _head(request, "chat.completion.chunk", request.reply_id)

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        return _event({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    number = -1
    for block in turn.blocks:
        if isinstance(block, Text):
            yield from (chunk({"content": piece}) for piece in pieces(block.text, block.chunk))
        elif isinstance(block, ToolCall):
            number += 1
            opening = _whole_call(block)
            opening["function"]["arguments"] = ""
            yield chunk({"tool_calls": [{"index": number, **opening}]})
            for piece in pieces(arguments_of(block), block.chunk):
                yield chunk({"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
    yield chunk({}, _finish_reason(turn))
    if (request.body.get("stream_options") or {}).get("include_usage"):
        yield _event({**head, "choices": [], "usage": _usage(turn, request)})
    yield b"data: [DONE]\n\n"


def error_event(failure: Failure) -> bytes:
    """Return the event that reports a failure after the stream has begun."""
    return _event(error_body(failure))


def _event(data: dict[str, Any]) -> bytes:
    return b"data: %s\n\n" % encoded(data)


def _head(request: ModelRequest, kind: str, new: str) -> dict[str, Any]:
    return {"id": new, "object": kind, "created": CREATED, "model": request.body["model"], "service_tier": "default"}


def _finish_reason(turn: Turn) -> str:
    return FINISH_REASONS.get(turn.effective_stop_reason, turn.effective_stop_reason)


def _whole_call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments_of(call)}}


def _usage(turn: Turn, request: ModelRequest) -> dict[str, Any]:
    prompt, completion = count_tokens(request.body), count_tokens(turn.blocks)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "completion_tokens_details": {"reasoning_tokens": thinking_tokens(turn, CHARACTERS_PER_TOKEN)},
    }
