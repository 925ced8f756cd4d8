"""pi at work in the shell of its VM's base system, from a script that fails its test to one that passes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime.testing.demo_script import demo_script
from runtime.testing.script import ToolCall, Turn, call, say
from runtime.testing.scripted_model import scripted_model
from runtime.vms.base import built_in_commands
from tests.agents.pi import results

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runtime.testing.messages_api import ModelRequest
    from tests.agents.conftest import Bench
    from tests.agents.pi import Pi

pytestmark = pytest.mark.skipif(
    not (built_in_commands() / "bash.wasm").is_file(), reason="commands/dist has no bash: build/commands.py makes it"
)

COUNT = """#!/bin/bash
# Prints how many lines of its files contain a word.
word=$1
shift
grep "$word" "$@" | wc -l
"""
TEST = """#!/bin/bash
printf 'a cat\\nconcatenate\\nno\\n' > one.txt
printf 'the cat\\n' > two.txt
got=$(./count.sh cat one.txt two.txt)
if [ "$got" != 2 ]; then
    echo "FAIL: expected 2, got $got" >&2
    exit 1
fi
echo PASS
"""


def told(request: ModelRequest) -> tuple[str, bool]:
    """The last tool result in a request, and whether it is an error."""
    result = request.tool_results()[-1]
    content = result["content"]
    text = content if isinstance(content, str) else "".join(block["text"] for block in content)
    return text, result.get("is_error", False)


async def live_commands(bench: Bench) -> list[str]:
    """What runs in the VM besides the agent."""
    processes = (await bench.host.vm("test")).processes
    return [process.argv[0] for process in processes.live() if process.kind != "agent"]


async def while_it_runs(bench: Bench, act: Callable[[str], Awaitable[None]]) -> dict[str, Any]:
    """Prompt, and act on the first output that is told of the tool call before its end; the result of the turn."""
    results: list[dict[str, Any]] = []

    async def ask() -> None:
        results.append(await bench.ask("go"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        while True:
            updates = await bench.updates("tool_call_update")
            shown = [update["content"] for update in updates if "content" in update and "status" not in update]
            if shown:
                break
            await trio.lowlevel.checkpoint()
        await act(shown[0][0]["content"]["text"])
    return results[0]


async def test_it_writes_a_script_and_its_test_and_mends_what_fails(pi: Pi) -> None:
    script = (
        Turn((ToolCall("write", {"path": "count.sh", "content": COUNT}),)),
        Turn((ToolCall("write", {"path": "test.sh", "content": TEST}),)),
        call("bash", command="chmod +x *.sh && ./test.sh"),
        call("edit", path="count.sh", edits=[{"oldText": 'grep "$word"', "newText": 'grep -w "$word"'}]),
        call("bash", command="./test.sh && ls"),
        say("It passes now."),
    )
    async with pi.talking_to(*script) as (bench, model):
        assert await bench.say("Write a script that counts lines with a word, and test it.") == "It passes now."
        _, _, _, failed, _, passed = model.requests
        assert "bash" in failed.tool_names
        assert told(failed) == ("FAIL: expected 2, got 3\n\n\nCommand exited with code 1", True)
        assert told(passed) == ("PASS\ncount.sh\none.txt\ntest.sh\ntwo.txt\n", False)
        assert await bench.read("/home/user/count.sh") == COUNT.replace("grep", "grep -w").encode()
        ended = [update["status"] for update in await bench.updates("tool_call_update") if "status" in update]
        assert [status for status in ended if status != "in_progress"] == 2 * ["completed"] + ["failed"] + 2 * [
            "completed"
        ]
        await wait_all_tasks_blocked()
        assert await live_commands(bench) == []


async def test_the_model_of_the_demo_goes_by_what_the_test_says(pi: Pi) -> None:
    async with scripted_model(demo_script()) as model, pi._talking(model.url) as bench:
        assert (
            await bench.say("Write a shell script that counts lines, and a test of it.") == "The test has passed: PASS"
        )
        _, _, failed, _, passed = [told(request) for request in model.requests if request.tool_results()]
        assert failed == ("FAIL: 1 line has the word, not 2\n\n\nCommand exited with code 1", True)
        assert passed == ("PASS\n", False)
        assert (await bench.say("What did I ask you?")).startswith("Before this you asked me: (1) Write a shell script")


async def test_output_is_told_as_it_comes(pi: Pi) -> None:
    command = "echo first; echo second >&2; until [ -e go ]; do sleep 0.05; done; echo third"
    async with pi.talking_to(call("bash", command=command), say("done")) as (bench, model):

        async def go_on(shown: str) -> None:
            assert "first\nsecond\n".startswith(shown)
            await bench.write("/home/user/go", b"")

        assert (await while_it_runs(bench, go_on))["text"] == "done"
        assert results(model) == ["first\nsecond\nthird\n"]


async def test_a_cancel_ends_all_that_the_command_has_started(pi: Pi) -> None:
    command = "echo started; sleep 1000 | sleep 1000"
    async with pi.talking_to(call("bash", command=command), say("back")) as (bench, _):

        async def cancel(shown: str) -> None:
            assert shown == "started\n"
            assert len(await live_commands(bench)) >= 1
            assert await bench.cancel() == "cancelled"

        assert (await while_it_runs(bench, cancel))["stopReason"] == "cancelled"
        await wait_all_tasks_blocked()
        assert await live_commands(bench) == []
        assert (await bench.updates("tool_call_update"))[-1]["status"] == "failed"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"command": "echo on; exit 3"}, "on\n\n\nCommand exited with code 3"),
        ({"command": "printf on; kill -TERM $$"}, "on\n\nCommand exited with code 143"),
        ({"command": "echo on; sleep 1000 | sleep 1000", "timeout": 1}, "on\n\n\nCommand timed out after 1 seconds"),
        (
            {"command": "no-such-command"},
            "/bin/bash: line 1: no-such-command: command not found\n\n\nCommand exited with code 127",
        ),
    ],
    ids=["exit", "signal", "timeout", "unknown"],
)
async def test_how_it_failed_is_told(pi: Pi, arguments: dict[str, Any], said: str) -> None:
    async with pi.talking_to(call("bash", **arguments), say("I see")) as (bench, model):
        assert await bench.say("go") == "I see"
        assert told(model.requests[-1]) == (said, True)
        await wait_all_tasks_blocked()
        assert await live_commands(bench) == []


async def test_nothing_waits_for_input_and_silence_is_told(pi: Pi) -> None:
    async with pi.talking_to(call("bash", command="cat"), say("done")) as (bench, model):
        assert await bench.say("go") == "done"
        assert told(model.requests[-1]) == ("(no output)", False)


@pytest.mark.parametrize("lines", [1999, 2001, 30_000, 200_000])
async def test_of_long_output_the_end_is_shown_and_all_of_it_is_in_a_file(pi: Pi, lines: int) -> None:
    async with pi.talking_to(call("bash", command=f"seq 1 {lines}"), say("done")) as (bench, model):
        assert await bench.say("go") == "done"
        text, is_error = told(model.requests[-1])
        assert not is_error
        every = "".join(f"{number}\n" for number in range(1, lines + 1))
        if lines < 2000:
            assert text == every
            return
        shown, _, note = text.partition("\n\n[")
        assert every.rstrip("\n").endswith("\n" + shown.rstrip("\n"))
        assert 1990 < shown.count("\n") <= 2000
        place = re.search(r"of \d+\. Full output: (/tmp/pi-bash-\w+\.log)\]$", note)
        assert place is not None
        assert (await bench.read(place[1])).decode() == every
