"""pi in a VM, with a model that says what a test wants: a script, or bytes that no model would send."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from runtime.api.errors import ApiError
from runtime.testing.loopback import http_server
from runtime.testing.messages_api import ModelRequest, event
from runtime.testing.scripted_model import scripted_model
from tests.agents.conftest import Bench, open_bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from runtime.engine import Engine
    from runtime.testing.loopback import Exchange
    from runtime.testing.script import Step
    from runtime.testing.scripted_model import ScriptedModel


@attrs.frozen
class Raw:
    """An answer as bytes. `end` is how it ends: "whole", "cut" (the connection closes within it) or "open" (it stays)."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = attrs.field(factory=lambda: {"content-type": "text/event-stream"})
    end: str = "whole"


@attrs.define
class RawModel:
    """A server that sends these answers in turn, the last of them for ever; `requests` is what it was asked."""

    answers: list[Raw]
    requests: list[ModelRequest] = attrs.field(factory=list)

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        body = msgspec.json.decode(await exchange.read_body())
        self.requests.append(ModelRequest(exchange.target, dict(exchange.headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await exchange.start(answer.status, list(answer.headers.items()))
        await exchange.send(answer.body)
        if answer.end == "open":
            await exchange.client_gone()
        elif answer.end == "whole":
            await exchange.finish()


class Pi:
    """A VM in which pi talks to a model."""

    def __init__(self, engine: Engine, state: Path) -> None:
        self._engine = engine
        self._state = state

    @asynccontextmanager
    async def _talking(self, url: str, **options: Any) -> AsyncIterator[Bench]:
        limits = {"network": {"allow": [url.removeprefix("http://")]}, **options.pop("vm", {})}
        async with open_bench(self._engine, self._state, limits) as bench:
            await bench.start("pi", ANTHROPIC_API_KEY="key", ANTHROPIC_BASE_URL=url, **options)
            yield bench

    @asynccontextmanager
    async def talking_to(self, *script: Step, **options: Any) -> AsyncIterator[tuple[Bench, ScriptedModel]]:
        """Talk to a scripted model. Options are variables of its environment, and `vm`, the VM's options."""
        async with scripted_model(list(script)) as model, self._talking(model.url, **options) as bench:
            yield bench, model

    @asynccontextmanager
    async def hearing(self, *answers: Raw, **options: Any) -> AsyncIterator[tuple[Bench, RawModel]]:
        """Talk to a server that sends these bytes."""
        model = RawModel(list(answers))
        async with http_server(model.handle) as server, self._talking(server.url, **options) as bench:
            yield bench, model


def results(model: ScriptedModel | RawModel) -> list[str]:
    """The texts of the tool results that the model got with its last request."""
    found = []
    for result in model.requests[-1].tool_results():
        content = result["content"]
        found.append(content if isinstance(content, str) else "".join(block.get("text", "") for block in content))
    return found


async def answer_to(bench: Bench, prompt: str | list[dict[str, Any]] = "go") -> tuple[str, str]:
    """What came of a prompt: its stop reason and its text, or "error" and the error's message."""
    try:
        result = await bench.ask(prompt)
    except ApiError as error:
        return "error", str(error.data["agentError"]["message"])
    return result["stopReason"], result["text"]


START = event(
    "message_start",
    message={
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "usage": {"input_tokens": 1},
    },
)


def delta(text: str, index: int = 0) -> bytes:
    """A piece of a text block."""
    return event("content_block_delta", index=index, delta={"type": "text_delta", "text": text})


def text_block(*pieces: str) -> bytes:
    """A whole text block, the first of its answer."""
    opening = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    return opening + b"".join(map(delta, pieces)) + event("content_block_stop", index=0)


def tool_block(name: str, pieces: Iterable[str], index: int = 0) -> bytes:
    """A tool call whose arguments are these pieces of text."""
    block = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}}
    deltas = [
        event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": piece})
        for piece in pieces
    ]
    opening = event("content_block_start", index=index, content_block=block)
    return opening + b"".join(deltas) + event("content_block_stop", index=index)


def end(stop_reason: str | None = "end_turn") -> bytes:
    """The end of an answer."""
    return event("message_delta", delta={"stop_reason": stop_reason}, usage={"output_tokens": 1}) + event(
        "message_stop"
    )


def saying(*pieces: str, stop_reason: str | None = "end_turn") -> Raw:
    """An answer that is this text."""
    return Raw(START + text_block(*pieces) + end(stop_reason))


def calling(name: str, *pieces: str, stop_reason: str = "tool_use") -> Raw:
    """An answer that is one tool call, with these pieces of its arguments' text."""
    return Raw(START + tool_block(name, pieces) + end(stop_reason))
