"""The script of `make demo`: a model without a model, which answers from nothing but the request.

Because all that it knows is in the request, an answer about earlier prompts proves that the agent kept, or restored,
the conversation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runtime.testing.demo_shell import next_step, wants_script
from runtime.testing.messages_api import ModelRequest, text_of
from runtime.testing.script import Block, Step, Text, Thinking, ToolCall, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

WRITE_TOOL: Final = "write"

_WANTS_FILE = re.compile(
    r"\b(write|create|make|save|put)\b.*\b(file|[\w./-]+\.[a-z]{1,5})\b", re.IGNORECASE | re.DOTALL
)
_ORDERS = re.compile(r"\W*(?:please\s+)?(?:write|create|make|save|put)\b", re.IGNORECASE)
_ASKS_BACK = re.compile(r"\bwhat\b.*\b(ask|asked|tell|told|request|requested|say|said)\b", re.IGNORECASE | re.DOTALL)
_PATH = re.compile(r"(?<![\w/])/?(?:[\w.-]+/)*[\w-]+\.[a-z]{1,5}\b")
_QUOTED = re.compile(r"(?<!\w)[\"“`']([^\"”`]+?)[\"”`'](?!\w)")
_SAYING = re.compile(
    r"\b(?:containing|saying|says|with the text|with the words|content)\b[:\s]+(.+)", re.IGNORECASE | re.DOTALL
)


def demo_script(*, delay: float = 0.0) -> Callable[[ModelRequest], Step]:
    """Return a script that writes a file on request, says so afterwards, and can tell what it was asked before; in a shell it
    writes a script and its test, too.

    `delay` is the pause before each streamed event, in seconds, so that a person can see the answer stream.
    """

    def answer(request: ModelRequest) -> Step:
        block = _next_block(request)
        blocks: list[Block] = [block]
        if _thinks(request) and isinstance(block, ToolCall) and block.name == WRITE_TOOL:
            blocks.insert(0, Thinking("The user wants a file; the write tool makes one."))
        return Turn(tuple(blocks), delay=delay)

    return answer


def _thinks(request: ModelRequest) -> bool:
    thinking = request.body.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") != "disabled"


def _next_block(request: ModelRequest) -> Block:
    if wants_script(request):
        return next_step(request)
    results = request.tool_results()
    if results:
        return Text(_after_tool(request, results[-1].get("is_error", False)))
    prompts = request.prompts()
    prompt = prompts[-1] if prompts else ""
    if _ASKS_BACK.search(prompt) and not _ORDERS.match(prompt):
        return Text(_recall(prompts[:-1]))
    if _WANTS_FILE.search(prompt) and WRITE_TOOL in request.tool_names:
        return ToolCall(WRITE_TOOL, {"path": _path_in(prompt), "content": _content_in(prompt)})
    return Text(
        f"This is the scripted model; it heard: {_short(prompt)} "
        "It can write a file when asked to, and say what it was asked before."
    )


def _after_tool(request: ModelRequest, failed: bool) -> str:
    result = _short(text_of(request.tool_results()[-1].get("content") or ""))
    if failed:
        return f"The tool failed: {result}"
    calls = [block for block in request.messages[-2]["content"] if block["type"] == "tool_use"]
    path = calls[-1]["input"].get("path", "the file")
    return f"Done. I wrote {path} for you."


def _recall(earlier: list[str]) -> str:
    if not earlier:
        return "Nothing yet: this is the first prompt of our conversation."
    listed = "; ".join(f"({number}) {_short(prompt)}" for number, prompt in enumerate(earlier, 1))
    return f"Before this you asked me: {listed}"


def _path_in(prompt: str) -> str:
    found = _PATH.search(prompt)
    return found.group() if found else "hello.txt"


def _content_in(prompt: str) -> str:
    path = _path_in(prompt)
    quoted = [text for text in _QUOTED.findall(prompt) if text != path]
    if quoted:
        return f"{quoted[-1].strip()}\n"
    saying = _SAYING.search(prompt)
    return f"{saying.group(1).strip()}\n" if saying else "Hello from an agent in a VM.\n"


def _short(text: str, limit: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
