"""OpenAI's Responses as data: requests checked, answers and their server-sent events made. No I/O.

The shapes are those of the public API reference. Thoughts go out as the summary of a reasoning item.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final

from runtime.testing.messages_api import CHARACTERS_PER_TOKEN, ModelRequest, count_tokens, new_id
from runtime.testing.model_json import encoded
from runtime.testing.openai_common import (
    CREATED,
    arguments_of,
    check_common,
    content_text,
    error_members,
    pieces,
    thinking_tokens,
)
from runtime.testing.script import Block, Failure, Text, Thinking, ToolCall, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH: Final = "/v1/responses"
INCOMPLETE: Final = {"max_tokens": "max_output_tokens", "refusal": "content_filter"}
MALFORMED: Final = b'event: response.output_text.delta\ndata: {"type": "response.output_te\n\n'
OUTPUT: Final = "function_call_output"


class ResponsesRequest(ModelRequest):
    """A request in Responses' form; `messages` are the items of its input."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The items of the input; a string is one message of the user."""
        given = self.body.get("input", [])
        return [{"role": "user", "content": given}] if isinstance(given, str) else list(given)

    @property
    def tool_names(self) -> list[str]:
        """The names of the tools that the model may call."""
        return [str(tool.get("name", tool.get("type"))) for tool in self.body.get("tools") or []]

    @property
    def system(self) -> str:
        """The instructions, and the system's and the developer's messages, as one string."""
        found = [each for each in self.messages if each.get("role") in {"system", "developer"}]
        texts = [str(self.body.get("instructions") or ""), *(content_text(each.get("content")) for each in found)]
        return "\n".join(text for text in texts if text)

    def prompts(self) -> list[str]:
        """Return the text of every message in which the user says something, oldest first."""
        texts = [content_text(each.get("content")) for each in self.messages if each.get("role") == "user"]
        return [text for text in texts if text]

    def tool_results(self) -> list[dict[str, Any]]:
        """Return the results at the end of the input, in the form of Messages' tool_result blocks."""
        found: list[dict[str, Any]] = []
        for each in reversed(self.messages):
            if each.get("type") != OUTPUT:
                break
            text = content_text(each.get("output"))
            found.insert(0, {"type": "tool_result", "tool_use_id": each.get("call_id"), "content": text})
        return found


def check_request(body: object, headers: dict[str, str]) -> Failure | None:
    """Return the failure that the real API answers a wrong request with, or None."""
    mistake = check_common(body, headers, "input")
    if mistake is not None:
        return mistake
    assert isinstance(body, dict)
    if isinstance(body["input"], str):
        return None
    if not all(isinstance(item, dict) and ("role" in item or "type" in item) for item in body["input"]):
        return Failure(400, "Invalid type for 'input': each item needs a role or a type")
    called = {item.get("call_id") for item in body["input"] if item.get("type") == "function_call"}
    answered = {item.get("call_id") for item in body["input"] if item.get("type") == OUTPUT}
    if called - answered:
        return Failure(400, f"No tool output found for function call {min(map(str, called - answered))}.")
    if answered - called and not body.get("previous_response_id") and not body.get("conversation"):
        missing = min(map(str, answered - called))
        return Failure(400, f"No tool call found for function call output with call_id {missing}.")
    return None


def whole_body(turn: Turn, request: ModelRequest) -> dict[str, Any]:
    """Return the answer to a request without `stream`."""
    return _response(turn, request, [_item(block) for block in turn.blocks])


def stream_events(turn: Turn, whole: dict[str, Any], _request: ModelRequest) -> Iterator[bytes]:
    """Yield the server-sent events that answer a request with `stream`, one whole event each."""
    numbers = count()

    def event(kind: str, **members: Any) -> bytes:
        data = {"type": kind, "sequence_number": next(numbers), **members}
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), encoded(data))

    begun = {**whole, "output": [], "status": "in_progress", "usage": None, "incomplete_details": None}
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    for index, (block, item) in enumerate(zip(turn.blocks, whole["output"], strict=True)):
        for kind, members in _item_events(block, item):
            yield event(kind, output_index=index, **members)
    yield event(f"response.{whole['status']}", response=whole)


def input_tokens(body: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to POST /v1/responses/input_tokens."""
    return {"object": "response.input_tokens", "input_tokens": count_tokens(body)}


def error_event(failure: Failure) -> bytes:
    """Return the event that reports a failure after the stream has begun."""
    error = error_members(failure)
    data = {"type": "error", "sequence_number": 0, "code": error["type"], "message": error["message"], "param": None}
    return b"event: error\ndata: %s\n\n" % encoded(data)


def _item(block: Block) -> dict[str, Any]:
    """Return a block as an item of the output, complete."""
    match block:
        case Text():
            part = {"type": "output_text", "text": block.text, "annotations": [], "logprobs": []}
            return {
                "id": new_id("msg"),
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [part],
            }
        case Thinking():
            summary = [{"type": "summary_text", "text": block.text}]
            return {
                "id": new_id("rs"),
                "type": "reasoning",
                "summary": summary,
                "encrypted_content": block.signature,
            }
        case ToolCall():
            return {
                "id": new_id("fc"),
                "type": "function_call",
                "status": "completed",
                "call_id": block.id,
                "name": block.name,
                "arguments": arguments_of(block),
            }


def _item_events(block: Block, item: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the events in which an item goes out, without what all have."""
    inside: dict[str, Any] = {"item_id": item["id"]}
    match block:
        case Text():
            place = {**inside, "content_index": 0}
            part = item["content"][0]
            yield "response.output_item.added", {"item": {**item, "status": "in_progress", "content": []}}
            yield "response.content_part.added", {**place, "part": {**part, "text": ""}}
            for piece in pieces(block.text, block.chunk):
                yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}
            yield "response.output_text.done", {**place, "text": block.text, "logprobs": []}
            yield "response.content_part.done", {**place, "part": part}
        case Thinking():
            place = {**inside, "summary_index": 0}
            part = item["summary"][0]
            yield "response.output_item.added", {"item": {**item, "summary": []}}
            yield "response.reasoning_summary_part.added", {**place, "part": {**part, "text": ""}}
            for piece in pieces(block.text, block.chunk):
                yield "response.reasoning_summary_text.delta", {**place, "delta": piece}
            yield "response.reasoning_summary_text.done", {**place, "text": block.text}
            yield "response.reasoning_summary_part.done", {**place, "part": part}
        case ToolCall():
            yield "response.output_item.added", {"item": {**item, "status": "in_progress", "arguments": ""}}
            for piece in pieces(item["arguments"], block.chunk):
                yield "response.function_call_arguments.delta", {**inside, "delta": piece}
            done = {**inside, "name": block.name, "arguments": item["arguments"]}
            yield "response.function_call_arguments.done", done
    yield "response.output_item.done", {"item": item}


def _response(turn: Turn, request: ModelRequest, output: list[dict[str, Any]]) -> dict[str, Any]:
    reason = INCOMPLETE.get(turn.effective_stop_reason)
    taken, given = count_tokens(request.body), count_tokens(turn.blocks)
    body = request.body
    return {
        "id": request.reply_id,
        "object": "response",
        "created_at": CREATED,
        "status": "incomplete" if reason else "completed",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": True,
        "store": body.get("store") is not False,
        "previous_response_id": body.get("previous_response_id"),
        "temperature": 1.0,
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "top_p": 1.0,
        "usage": {
            "input_tokens": taken,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": given,
            "output_tokens_details": {"reasoning_tokens": thinking_tokens(turn, CHARACTERS_PER_TOKEN)},
            "total_tokens": taken + given,
        },
    }
