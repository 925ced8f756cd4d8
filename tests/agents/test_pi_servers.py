"""What a Messages server may send: it ends in the right stop reason, another try, or an error that a person can read."""

from __future__ import annotations

import json
from email.utils import formatdate
from time import time
from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.api.errors import ApiError
from runtime.testing.messages_api import event
from tests.agents.conftest import open_bench
from tests.agents.pi import START, Raw, answer_to, delta, end, saying, text_block

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.engine import Engine
    from tests.agents.pi import Pi

PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Please</body></html>"
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
AT_ONCE = {"retry-after": "0"}
FINE = saying("fine")


def failing(status: int, body: bytes = b"", **headers: str) -> Raw:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Raw(body, status, {"content-type": "application/json", **AT_ONCE, **named})


def said(message: Any, kind: str = "invalid_request_error") -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()


ENDS = {
    "end_turn": "end_turn",
    "stop_sequence": "end_turn",
    "tool_use": "end_turn",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "refusal": "refusal",
    "sensitive": "refusal",
    "something_new": "end_turn",
    None: "end_turn",
}


@pytest.mark.parametrize(("reason", "wanted"), ENDS.items())
async def test_stop_reasons(pi: Pi, reason: str | None, wanted: str) -> None:
    async with pi.hearing(saying("partial", stop_reason=reason)) as (bench, model):
        assert await answer_to(bench) == (wanted, "partial")
        assert len(model.requests) == 1


async def test_tokens_are_counted_once(pi: Pi) -> None:
    async with pi.hearing(saying("x")) as (bench, _):
        await bench.ask("go")
        await bench.ask("on")
        assert [update["used"] for update in await bench.updates("usage_update")] == [2, 2]


async def test_a_pause_is_gone_on_from(pi: Pi) -> None:
    async with pi.hearing(saying("one, ", stop_reason="pause_turn"), saying("two"), FINE) as (bench, model):
        assert await answer_to(bench) == ("end_turn", "one, two")
        assert model.requests[1].messages[-1]["content"][0]["text"] == "one, "
        assert await answer_to(bench, "more") == ("end_turn", "fine")
        said_before = model.requests[-1].messages[1]["content"]
        assert [block["text"] for block in said_before] == ["one, ", "two"]


async def test_pauses_without_end_come_to_one(pi: Pi) -> None:
    async with pi.hearing(saying("on ", stop_reason="pause_turn")) as (bench, model):
        assert await answer_to(bench) == ("end_turn", "on " * 6)
        assert len(model.requests) == 6


async def test_what_was_refused_is_not_in_the_next_prompt(pi: Pi) -> None:
    async with pi.hearing(saying("one"), saying("no", stop_reason="refusal"), FINE) as (bench, model):
        await bench.ask("first")
        assert (await answer_to(bench, "something bad"))[0] == "refusal"
        await bench.sleep()
        await bench.ask("third")
        assert model.requests[-1].prompts() == ["first", "third"]


THOUGHT = event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "Hm"})

GOOD = {
    "an overload within a 200": (Raw(OVERLOADED), "fine", 2),
    "an overload after the start": (Raw(START + OVERLOADED), "fine", 2),
    "no content": (Raw(START + end()), "fine", 2),
    "empty text": (Raw(START + text_block("") + end()), "fine", 2),
    "white space": (Raw(START + text_block(" \n") + end()), " \nfine", 2),
    "no bytes": (Raw(b""), "fine", 2),
    "only a start": (Raw(START), "fine", 2),
    "an overload after a thought": (Raw(START + THOUGHT + OVERLOADED), "fine", 2),
    "a connection that breaks": (Raw(START, end="cut"), "fine", 2),
    "an event that is no JSON": (Raw(b"event: message_start\ndata: {oops\n\n"), "fine", 2),
    "no stop after the stop reason": (Raw(START + text_block("hi") + end().split(b"event: message_stop")[0]), "hi", 1),
    "no stop reason": (Raw(START + text_block("hi") + event("message_stop")), "hi", 1),
    "an open stream": (Raw(saying("hi").body, end="open"), "hi", 1),
    "events after the end": (Raw(saying("hi").body + delta("more") + OVERLOADED), "hi", 1),
    "pings and unknown events": (
        Raw(event("ping") + START + event("new", x=1) + b": comment\n\ndata: 5\n\ndata: null\n\n" + saying("hi").body),
        "hi",
        1,
    ),
    "odd members": (
        Raw(
            event("message_start", message=None)
            + event("content_block_start", index=3)
            + event("content_block_delta", index=0, delta=None)
            + delta("hi")
            + event("content_block_delta", index=0, delta={"type": "text_delta", "text": None})
            + event("content_block_delta", index=0, delta={"type": "citations_delta"})
            + event("message_delta", delta=None, usage={"output_tokens": "many"})
            + event("message_stop")
        ),
        "hi",
        1,
    ),
    "unknown blocks": (
        Raw(
            START
            + event("content_block_start", index=0, content_block={"type": "server_tool_use", "id": "s", "name": "web"})
            + event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "{"})
            + event("content_block_stop", index=0)
            + event("content_block_start", index=1, content_block={"type": "text", "text": "h"})
            + delta("i", 1)
            + end()
        ),
        "hi",
        1,
    ),
    "carriage returns": (Raw(saying("hi").body.replace(b"\n", b"\r\n")), "hi", 1),
    "only carriage returns": (Raw(saying("hi").body.replace(b"\n", b"\r")), "hi", 1),
    "a byte order mark": (Raw(b"\xef\xbb\xbf" + saying("hi").body), "hi", 1),
    "no names of events": (Raw(saying("hi").body.replace(b"event: ", b"x: ")), "hi", 1),
    "another content type": (Raw(saying("hi").body, headers={"content-type": "text/html"}), "hi", 1),
    "an answer that is not streamed": (
        Raw(b'{"type":"message","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn"}'),
        "hi",
        1,
    ),
    "a message without content": (Raw(b'{"type":"message","stop_reason":"end_turn"}'), "fine", 2),
    "a message whose content is none": (Raw(b'{"type":"message","content":{"type":"text"}}'), "fine", 2),
    "503 with a page": (failing(503, PAGE), "fine", 2),
    "529": (failing(529, said("Overloaded", "overloaded_error")), "fine", 2),
    "429 until a date": (failing(429, retry_after=formatdate(time() - 5, usegmt=True)), "fine", 2),
    "429 until nonsense": (failing(429, retry_after="soon"), "fine", 2),
    "an error that says so": (failing(404, said("moving"), x_should_retry="true"), "fine", 2),
}


@pytest.mark.parametrize("name", GOOD)
async def test_these_are_answered(pi: Pi, name: str) -> None:
    answer, text, requests = GOOD[name]
    async with pi.hearing(answer, FINE) as (bench, model):
        assert await answer_to(bench) == ("end_turn", text)
        assert len(model.requests) == requests


BAD = {
    "an error in mid-stream": (Raw(START + delta("half") + OVERLOADED), "Overloaded"),
    "an answer that breaks off": (Raw(START + delta("half")), "broke off"),
    "a connection that breaks off": (Raw(START + delta("half"), end="cut"), "broke off"),
    "thoughts alone": (Raw(START + THOUGHT + end()), "the model gave an empty answer"),
    "a page": (Raw(PAGE, headers={"content-type": "text/html"}), "a page, not with an event stream: Sign in"),
    "a page with 403": (failing(403, b"<html><h1>Forbidden</h1></html>"), "HTTP status 403: Forbidden"),
    "a text": (Raw(b"hello there"), "no event stream: hello there"),
    "an error as JSON with 200": (Raw(said("no credit")), "no credit"),
    "JSON of another kind": (Raw(b'{"choices": []}'), "answered with an error"),
    "a redirect": (failing(302, location="https://other.example/"), "moved to https://other.example/"),
    "words alone": (failing(400, b'{"error": "no such thing"}'), "no such thing"),
    "details": (failing(422, b'{"detail": "model: unknown"}'), "model: unknown"),
    "a message that is none": (failing(400, said({"x": 1})), "invalid_request_error"),
    "nothing": (failing(418), "HTTP status 418"),
    "an error event without words": (Raw(START + delta("half") + event("error")), "error"),
    "a wait of an hour": (failing(429, said("slow down", "rate_limit_error"), retry_after="3600"), "slow down"),
    "an error that is to stay": (failing(529, said("full"), x_should_retry="false"), "full"),
    "half of a character": (failing(400, b'{"error": {"message": "bad \\ud83d input"}}'), "bad \ufffd input"),
    "tries that run out": (failing(500, said("broken")), "broken"),
}


TRIED_AGAIN = {"thoughts alone", "tries that run out"}


@pytest.mark.parametrize("name", BAD)
async def test_these_are_errors_and_the_session_goes_on(pi: Pi, name: str) -> None:
    answer, words = BAD[name]
    async with pi.hearing(answer) as (bench, model):
        kind, message = await answer_to(bench)
        assert (kind, words in message) == ("error", True), message
        assert len(model.requests) == (4 if name in TRIED_AGAIN else 1)
        model.answers[:] = [FINE]
        assert await answer_to(bench, "again") == ("end_turn", "fine")


async def test_an_answer_to_tool_results_may_be_nothing(pi: Pi) -> None:
    empty = Raw(START + end())
    listing = Raw(b'{"content":[{"type":"tool_use","name":"ls","input":{}}],"stop_reason":"tool_use"}')
    async with pi.hearing(listing, empty, empty) as (bench, model):
        assert await answer_to(bench) == ("end_turn", "")
        assert len(model.requests) == 3, "asked again once"


async def test_an_error_carries_status_and_type(pi: Pi) -> None:
    async with pi.hearing(failing(403, said("not you", "permission_error"))) as (bench, _):
        with pytest.raises(ApiError) as caught:
            await bench.ask("go")
        assert caught.value.data["agentError"]["data"] == {"status": 403, "type": "permission_error"}


async def test_halves_of_a_character_are_joined_or_replaced(pi: Pi) -> None:
    parts = [b"Hello \\ud83d", b"\\ude00 world\\ud83d", b" and \\ude00."]
    pieces = b"".join(delta("PIECE").replace(b"PIECE", part) for part in parts)
    async with pi.hearing(Raw(START + pieces + end())) as (bench, model):
        assert await answer_to(bench) == ("end_turn", "Hello \U0001f600 world\ufffd and \ufffd.")
        await bench.ask("again")
        assert model.requests[-1].messages[1]["content"][0]["text"] == "Hello \U0001f600 world\ufffd and \ufffd."


async def test_bytes_of_a_character_may_come_apart(pi: Pi) -> None:
    body = saying("\U0001f600\U0001f601").body.replace(b"\\u", b"u")
    async with pi.hearing(Raw(body)) as (bench, _):
        assert await answer_to(bench) == ("end_turn", "\U0001f600\U0001f601")


async def test_a_title_is_cut_between_characters(pi: Pi) -> None:
    async with pi.hearing(FINE) as (bench, _):
        await bench.ask("x" * 78 + "\U0001f600 and more")
        (update,) = await bench.updates("session_info_update")
        assert update["title"] == "x" * 78 + "…"


async def test_a_cancel_in_the_pause_before_another_try(pi: Pi) -> None:
    async with pi.hearing(Raw(START + OVERLOADED)) as (bench, model):
        outcome: list[Any] = []

        async def ask() -> None:
            outcome.append(await answer_to(bench))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            while not model.requests:
                await trio.lowlevel.checkpoint()
            assert await bench.cancel() == "cancelled"
        assert outcome == [("cancelled", "")]


async def test_an_address_that_is_none_is_named(engine: Engine, tmp_path: Path) -> None:
    async with open_bench(engine, tmp_path / "state.db") as bench:
        await bench.start("pi", ANTHROPIC_API_KEY="key", ANTHROPIC_BASE_URL="the model")
        assert await answer_to(bench) == ("error", "ANTHROPIC_BASE_URL is no URL: the model")


@pytest.mark.parametrize("key", ["k\u00e9y", "two\nlines"])
async def test_a_key_that_is_none_is_told(engine: Engine, tmp_path: Path, key: str) -> None:
    async with open_bench(engine, tmp_path / "state.db") as bench:
        await bench.start("pi", ANTHROPIC_API_KEY=key)
        kind, message = await answer_to(bench)
        assert (kind, "ANTHROPIC_API_KEY has characters that no key has" in message) == ("error", True)
