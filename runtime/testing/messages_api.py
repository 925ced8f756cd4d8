"""Anthropic's Messages API as data: requests checked, answers and their server-sent events made. No I/O.

The shapes are those of the public API reference (Messages, Streaming messages, Token counting, Models). Checked are the
rules that agents break in practice: required members, and each tool call answered in the very next message.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs
import msgspec

from runtime.testing.model_json import encoded
from runtime.testing.script import Block, Failure, Text, Thinking, ToolCall, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH: Final = "/v1/messages"

CHARACTERS_PER_TOKEN: Final = 4
"""The usual rule of thumb; a scripted model has no tokenizer."""

MODELS: Final = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")

_ids = count(1)


@attrs.define
class ModelRequest:
    """A request as the model received it; `outcome` is set when the exchange is over.

    `body` is the decoded JSON, and of a conversation that the server holds all of it. `thread` is the same for all requests of
    one message thread, None outside of one. `headers` have names in lower case. `outcome`: "answered" in full, "failed" by the
    script or for a mistake in the request, "broken" by the script in mid-stream, "client_gone" when the client closed
    first.
    """

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    outcome: Literal["answered", "failed", "broken", "client_gone"] | None = None
    thread: str | None = None
    reply_id: str = attrs.field(factory=lambda: new_id("msg"), kw_only=True)
    """The id of the answer."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation, as sent."""
        return list(self.body.get("messages", []))

    @property
    def tool_names(self) -> list[str]:
        """The names of the tools that the model may call."""
        return [tool["name"] for tool in self.body.get("tools") or []]

    @property
    def system(self) -> str:
        """The system prompt as one string."""
        return text_of(self.body.get("system", ""))

    def prompts(self) -> list[str]:
        """Return the text of every message in which the user says something, oldest first."""
        texts = [text_of(message["content"]) for message in self.messages if message["role"] == "user"]
        return [text for text in texts if text]

    def tool_results(self) -> list[dict[str, Any]]:
        """Return the tool_result blocks of the last message, empty if it is a prompt."""
        if not self.messages:
            return []
        return [block for block in blocks_of(self.messages[-1]["content"]) if block["type"] == "tool_result"]


def blocks_of(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return content as a list of blocks; a string is one text block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def text_of(content: str | list[dict[str, Any]]) -> str:
    """Return the text blocks of a content, joined by line ends."""
    return "\n".join(block["text"] for block in blocks_of(content) if block["type"] == "text")


def check_request(body: object, headers: dict[str, str], *, counting: bool = False) -> Failure | None:
    """Return the failure that the real API answers a wrong request with, or None.

    `counting` is the token counting endpoint, which needs no max_tokens.
    """
    if not headers.get("x-api-key") and not headers.get("authorization", "").startswith("Bearer "):
        return Failure(401, "x-api-key header is required")
    if "anthropic-version" not in headers:
        return Failure(400, "anthropic-version: header is required")
    if not isinstance(body, dict):
        return Failure(400, "The request body is not valid JSON")
    if not isinstance(body.get("model"), str):
        return Failure(400, "model: Field required")
    limit = body.get("max_tokens")
    if not counting and (not isinstance(limit, int) or limit < 1):
        return Failure(400, "max_tokens: Input should be an integer of at least 1")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return Failure(400, "messages: at least one message is required")
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) and "name" in tool for tool in tools):
        return Failure(400, "tools: each tool needs a name")
    return _check_messages(messages)


def _check_messages(messages: list[Any]) -> Failure | None:
    pending: set[str] = set()
    for index, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in {"user", "assistant", "system"} or not isinstance(message.get("content"), str | list):
            return Failure(400, f"messages.{index}: needs a role of user, assistant or system, and a content")
        if index == 0 and role != "user":
            return Failure(400, "messages: first message must use the user role")
        blocks = blocks_of(message["content"])
        if not blocks or not all(_is_block(block) for block in blocks):
            return Failure(400, f"messages.{index}: content blocks must be well-formed, text content blocks non-empty")
        if role == "system":
            continue
        answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        if answered != pending:
            return Failure(
                400,
                f"messages.{index}: each tool_use needs its tool_result in the next message "
                f"(missing {sorted(pending - answered)}, unexpected {sorted(answered - pending)})",
            )
        pending = {block["id"] for block in blocks if block["type"] == "tool_use"}
    if pending:
        return Failure(400, f"messages: tool_use ids without tool_result: {sorted(pending)}")
    return None


def _is_block(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    match block.get("type"):
        case "text":
            return isinstance(block.get("text"), str) and bool(block["text"])
        case "tool_use":
            return all(isinstance(block.get(member), str) for member in ("id", "name"))
        case "tool_result":
            return isinstance(block.get("tool_use_id"), str)
        case kind:
            return isinstance(kind, str)


def count_tokens(value: object) -> int:
    """Return a plausible number of tokens for a JSON value."""
    return max(1, len(encoded(value)) // CHARACTERS_PER_TOKEN)


def error_body(failure: Failure) -> dict[str, Any]:
    """Return the JSON body of an error answer, which is also the data of an `error` event."""
    error: dict[str, Any] = {"type": failure.error_type, "message": failure.message}
    if failure.error_code is not None:
        error["details"] = {"error_code": failure.error_code}
    return {"type": "error", "error": error, "request_id": new_id("req")}


def new_id(prefix: str) -> str:
    """Return an id of the API's form that is unique in this process."""
    return f"{prefix}_scripted{next(_ids):012d}"


def with_ids(turn: Turn, prefix: str) -> Turn:
    """Return the turn with an id for each tool call, the same wherever it is told."""
    blocks = [
        msgspec.structs.replace(block, id=new_id(prefix)) if isinstance(block, ToolCall) and block.id is None else block
        for block in turn.blocks
    ]
    return msgspec.structs.replace(turn, blocks=tuple(blocks))


def message_body(turn: Turn, request: ModelRequest) -> dict[str, Any]:
    """Return the message object that answers a request without `stream`."""
    content = [_whole_block(block) for block in turn.blocks]
    return {
        **_empty_message(request),
        "content": content,
        "stop_reason": turn.effective_stop_reason,
        "usage": _usage(request, count_tokens(content)),
    }


def stream_events(turn: Turn, _whole: dict[str, Any], request: ModelRequest) -> Iterator[bytes]:
    """Yield the server-sent events that answer a request with `stream`, one whole event each."""
    start = _empty_message(request)
    start["usage"] = _usage(request, 1)
    yield event("message_start", message=start)
    yield event("ping")
    for index, block in enumerate(turn.blocks):
        opening, deltas = _block_parts(block)
        yield event("content_block_start", index=index, content_block=opening)
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    usage = _usage(request, count_tokens([_whole_block(block) for block in turn.blocks]))
    yield event("message_delta", delta={"stop_reason": turn.effective_stop_reason, "stop_sequence": None}, usage=usage)
    yield event("message_stop")


def event(kind: str, **members: Any) -> bytes:
    """Return one server-sent event whose data carries its own name as `type`."""
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), encoded({"type": kind, **members}))


def error_event(failure: Failure) -> bytes:
    """Return the event that reports a failure after the stream has begun."""
    return b"event: error\ndata: %s\n\n" % encoded(error_body(failure))


def model_info(name: str) -> dict[str, Any]:
    """Return a model as GET /v1/models lists it."""
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2026-06-01T00:00:00Z",
        "lifecycle": "active",
    }


def model_list() -> dict[str, Any]:
    """Return the answer to GET /v1/models."""
    return {
        "data": [model_info(name) for name in MODELS],
        "has_more": False,
        "first_id": MODELS[0],
        "last_id": MODELS[-1],
    }


def _empty_message(request: ModelRequest) -> dict[str, Any]:
    return {
        "id": request.reply_id,
        "type": "message",
        "role": "assistant",
        "model": request.body["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _usage(request: ModelRequest, output_tokens: int) -> dict[str, int]:
    return {
        "input_tokens": count_tokens(request.body),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
    }


def _whole_block(block: Block) -> dict[str, Any]:
    match block:
        case Text():
            return {"type": "text", "text": block.text}
        case Thinking():
            return {"type": "thinking", "thinking": block.text, "signature": block.signature}
        case ToolCall():
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": block.input}


def _block_parts(block: Block) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the content_block of content_block_start, and the deltas that fill it."""
    opening = _whole_block(block)
    match block:
        case Text():
            opening["text"] = ""
            return opening, [{"type": "text_delta", "text": piece} for piece in _pieces(block.text, block.chunk)]
        case Thinking():
            opening["thinking"] = opening["signature"] = ""
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block.text, block.chunk)]
            return opening, [*deltas, {"type": "signature_delta", "signature": block.signature}]
        case ToolCall():
            opening["input"] = {}
            raw = encoded(block.input).decode() if block.raw_input is None else block.raw_input
            pieces = ["", *_pieces(raw, block.chunk)]
            return opening, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]
