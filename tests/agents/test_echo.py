"""echo obeys its commands, as its README lists them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import trio

from runtime.api.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from tests.agents.conftest import Bench

DEVICES = ("zero", "urandom", "null", "stdin", "fd/0")


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("hello wörld 😀", "echo: hello wörld 😀"),
        ("say a\\sb\\nc", "a;b\nc"),
        ("stream 2; say end", "chunk 1\nchunk 2\nend"),
        ("write a.txt one\\ntwo; read a.txt 2", "write: /home/user/a.txtread: two"),
        ("read none", "read failed: "),
        ("fswrite b.txt x; fsread b.txt; ls", "fswrite: 1 bytesfsread: xls: b.txt"),
        ("fsread none", "fsread failed: no-entry: /home/user/none"),
        *((f"fsread /dev/{name}", f"fsread failed: a device, not a file: /dev/{name}") for name in DEVICES),
        ("fsread /etc", "fsread failed: is-directory: /etc"),
        ("request _nosuch", "_nosuch failed: "),
        ("hog 2", "hog: holding 2 MiB"),
        ("flood 1000", "." * 1000),
        ("garbage", "garbage: unknown request -32601, duplicate id -32601"),
    ],
)
async def test_commands(bench: Bench, prompt: str, answer: str) -> None:
    await bench.start("echo")
    text = await bench.say(prompt)
    assert answer in text if prompt == "garbage" else text.startswith(answer)


async def test_updates(bench: Bench) -> None:
    await bench.start("echo")
    await bench.ask("thought Hm; plan; toolcall a.txt; usage 5 10; title A title")
    assert (await bench.updates("agent_thought_chunk"))[0]["content"]["text"] == "Hm"
    assert [entry["status"] for entry in (await bench.updates("plan"))[0]["entries"]] == ["completed", "in_progress"]
    assert (await bench.updates("tool_call"))[0]["locations"] == [{"path": "/home/user/a.txt", "line": 1}]
    assert [update["status"] for update in await bench.updates("tool_call_update")] == ["in_progress", "completed"]
    assert (await bench.updates("usage_update"))[0]["used"] == 5
    assert (await bench.updates("session_info_update"))[0]["title"] == "A title"


async def test_heeds_a_cancel_while_it_streams(bench: Bench) -> None:
    await bench.start("echo")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.ask, "stream 100000 1")
        await trio.testing.wait_all_tasks_blocked()
        assert await bench.cancel() == "cancelled"
    assert await bench.say("next") == "echo: next"


async def test_ends_as_told(bench: Bench) -> None:
    await bench.start("echo")
    assert (await bench.ask("stop max_tokens"))["stopReason"] == "max_tokens"
    with pytest.raises(ApiError, match="on purpose") as caught:
        await bench.ask("fail on purpose")
    assert caught.value.code is ErrorCode.AGENT_ERROR
    for command in ("crash", "exit 7"):
        with pytest.raises(ApiError) as caught:
            await bench.ask(command)
        assert caught.value.code is ErrorCode.AGENT_FAILED


@pytest.mark.parametrize("phase", ["initialize", "new", "exit"])
async def test_fails_to_start_as_told(bench: Bench, phase: str) -> None:
    with pytest.raises(ApiError) as caught:
        await bench.start("echo", ECHO_FAIL=phase)
    assert caught.value.code is ErrorCode.AGENT_FAILED


@pytest.mark.parametrize("how", ["ECHO_LOAD", "ECHO_RESUME"])
async def test_remembers_if_told_to(bench: Bench, how: str) -> None:
    await bench.start("echo", **{how: "1"})
    await bench.ask("remember this")
    await bench.sleep()
    assert json.loads(await bench.say("history")) == [{"user": "remember this", "agent": "echo: remember this"}]
