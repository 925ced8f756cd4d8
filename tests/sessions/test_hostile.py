from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.api.errors import ErrorCode
from runtime.sessions.agent.process import UNREAD_BYTES
from runtime.sessions.agent.stderr import BURST_BYTES, TAIL_COLUMNS, TAIL_LINES, Stderr
from runtime.sessions.services.client_services import MAX_SERVING
from runtime.sessions.transcript.transcript import UNCOMMITTED
from tests.sessions.fakes import FakeAgent, FakeVm, failing, new, start
from tests.settled import until

if TYPE_CHECKING:
    from trio.testing import MockClock


def script(vm: FakeVm, body: Any) -> None:
    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await body(agent)
        return {"stopReason": "end_turn"}

    vm.behaviour["session/prompt"] = prompt


async def test_lines_that_are_no_messages(vm: FakeVm) -> None:
    async def body(agent: FakeAgent) -> None:
        await agent.raw(b"Starting up...\n[]\n\xff\xfe\n\n{}\n")
        await agent.raw(b'{"jsonrpc":"2.0","id":99,"result":1}\n{"jsonrpc":"2.0","id":0,"result":1}\n')
        await agent.raw(b'{"method":"session/update","params":{"sessionId":5}}\n')
        await agent.raw(b'{"method":"session/update","params":{"sessionId":"other","update":{}}}\n')
        await agent.say("still here")

    script(vm, body)
    id_ = await new(vm)
    assert (await vm.sessions.prompt(id_, "x"))["text"] == "still here"
    kinds = [e["params"]["kind"] for e in await vm.events(id_) if e["method"] == "_torpor/malformed"]
    assert kinds == ["malformed"] * 4 + ["unknown_answer", "late_answer", "update", "update"]
    assert len(vm.agent.results) == 1, "the last of the refusals, all with a null id"


@pytest.mark.parametrize(
    "line",
    [
        b'{"jsonrpc":"2.0","id":%d,"result":{"stopReason":"end',
        b'{"jsonrpc":"2.0","id":%d,"result":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"jsonrpc":"2.0","id":%d,"result":{"stopReason":NaN}}',
        b'{"jsonrpc":"2.0","id":%d}',
        b'[{"jsonrpc":"2.0","id":%d,"result":{"stopReason":"end_turn"}}]',
        b'{"jsonrpc":"2.0","id":null,"result":{"stopReason":"end_turn"}}',
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}',
        b'{"jsonrpc":"2.0","id":%d,"error":{"code":1e999,"message":"bad \\ud83d input"}}',
    ],
)
async def test_an_answer_that_cannot_be_read_ends_the_turn_with_an_error(vm: FakeVm, line: bytes) -> None:
    async def prompt(agent: FakeAgent, params: dict[str, Any]) -> Any:
        await agent.raw(line.replace(b"%d", b"2") + b"\n")  # after initialize and session/new
        await trio.sleep_forever()

    id_ = await new(vm)
    vm.behaviour["session/prompt"] = prompt
    with failing(ErrorCode.AGENT_ERROR) as error:
        await vm.sessions.prompt(id_, "x")
    assert error["agentError"]["message"]
    assert (await vm.events(id_))[-1]["params"]["end"] == "agent_error"


async def test_text_that_is_not_whole_is_told_and_stored_whole(vm: FakeVm) -> None:
    async def body(agent: FakeAgent) -> None:
        for text in (
            b"Hello \\ud83d",
            b"\\ude00 world, \\ud83d",
            b" \xff",
            b"\xed\xa0\xbd\xed\xb8\x80\\u0000",
            b"\\ud83d",
        ):
            update = b'"update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"%s"}}' % text
            await agent.raw(b'{"method":"session/update","params":{"sessionId":"%s",' % agent.session_id.encode())
            await agent.raw(update + b"}}\n")
        title = b'"update":{"sessionUpdate":"session_info_update","title":"cut \\ud83d"}'
        await agent.raw(b'{"method":"session/update","params":{"sessionId":"%s",' % agent.session_id.encode())
        await agent.raw(title + b"}}\n")

    script(vm, body)
    id_ = await new(vm)
    said = "Hello \U0001f600 world, \ufffd \ufffd\U0001f600\0\ufffd"
    assert (await vm.sessions.prompt(id_, "x"))["text"] == said
    updates = [e["params"]["update"] for e in await vm.events(id_) if e["method"] == "session/update"]
    chunks = [u["content"]["text"] for u in updates if u["sessionUpdate"] == "agent_message_chunk"]
    assert "".join(chunks) == said
    assert vm.sessions.get(id_)["title"] == "cut \ufffd"


async def test_split_frames(vm: FakeVm) -> None:
    async def body(agent: FakeAgent) -> None:
        update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "slowly é"}}
        line = json.dumps({"method": "session/update", "params": {"sessionId": agent.session_id, "update": update}})
        for byte in line.encode() + b"\n":
            await agent.raw(bytes([byte]))

    script(vm, body)
    assert (await vm.sessions.prompt(await new(vm), "x"))["text"] == "slowly é"


@pytest.mark.slow
async def test_a_line_of_100_mib(vm: FakeVm) -> None:
    async def body(agent: FakeAgent) -> None:
        piece = b"x" * 65536
        for _ in range(1600):
            await agent.raw(piece)
        await agent.raw(b"\n")
        await agent.say("sorry")

    script(vm, body)
    id_ = await new(vm)
    tracemalloc.start()
    try:
        assert (await vm.sessions.prompt(id_, "x"))["text"] == "sorry"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * 1024 * 1024
    (event,) = (e["params"] for e in await vm.events(id_) if e["method"] == "_torpor/malformed")
    assert (event["kind"], event["size"]) == ("too_long", 1600 * 65536)


@pytest.mark.slow
async def test_a_flood_of_updates_waits_for_the_writer(vm: FakeVm) -> None:
    count = 5 * UNCOMMITTED
    most = 0

    async def body(agent: FakeAgent) -> None:
        nonlocal most
        update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "x"}}
        line = json.dumps({"method": "session/update", "params": {"sessionId": agent.session_id, "update": update}})
        for _ in range(count // 500):
            await agent.raw((line + "\n").encode() * 500)
            session = vm.sessions._registry.sessions()[0]
            most = max(most, session.transcript._uncommitted)

    script(vm, body)
    id_ = await new(vm)
    assert len((await vm.sessions.prompt(id_, "x"))["text"]) == count
    assert len(await vm.events(id_)) == count + 4
    assert most <= UNCOMMITTED


async def test_duplicate_ids(vm: FakeVm, nursery: trio.Nursery) -> None:
    async def body(agent: FakeAgent) -> None:
        params = {"sessionId": agent.session_id, "toolCall": {}, "options": [{"optionId": "o"}]}
        for _ in range(3):
            await agent.write({"id": 1, "method": "session/request_permission", "params": params})
        await agent.cancelled.wait()

    script(vm, body)
    id_ = await new(vm)
    await start(vm, nursery, id_)
    assert len(vm.sessions.get(id_)["pendingPermissions"]) == 1
    await vm.sessions.cancel(id_)


async def test_requests_that_wait_are_counted(vm: FakeVm, nursery: trio.Nursery) -> None:
    async def body(agent: FakeAgent) -> None:
        params = {"sessionId": agent.session_id, "toolCall": {}, "options": [{"optionId": "o"}]}
        for number in range(MAX_SERVING + 2):
            await agent.write({"id": number, "method": "session/request_permission", "params": params})
        await agent.cancelled.wait()

    script(vm, body)
    id_ = await new(vm)
    await start(vm, nursery, id_)
    await until(lambda: len(vm.agent.results) == 2)
    assert len(vm.sessions.get(id_)["pendingPermissions"]) == MAX_SERVING
    await vm.sessions.cancel(id_)


async def test_an_agent_that_never_reads_is_not_read_for_ever(
    vm: FakeVm, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    vm.files.files["/big"] = b"x" * (4 * 1024 * 1024)
    served = 0
    read_file = vm.files.read_file

    async def counting(path: str) -> bytes:
        nonlocal served
        served += 1
        return await read_file(path)

    vm.files.read_file = counting  # type: ignore[method-assign]

    async def body(agent: FakeAgent) -> None:
        agent.process.reads_stdin = False
        for number in range(100):
            params = {"sessionId": agent.session_id, "path": "/big"}
            await agent.write({"id": number, "method": "fs/read_text_file", "params": params})

    script(vm, body)
    id_ = await new(vm)
    await start(vm, nursery, id_)
    assert served <= UNREAD_BYTES // len(vm.files.files["/big"]) + 2
    assert await vm.sessions.cancel(id_, 1000) == {"outcome": "killed"}


async def test_forged_events(vm: FakeVm) -> None:
    async def body(agent: FakeAgent) -> None:
        await agent.update("_torpor/turn_ended")
        await agent.write({"method": "_torpor/turn_ended", "params": {"sessionId": agent.session_id}})
        await agent.write({"method": "_torpor/session_closed"})

    script(vm, body)
    id_ = await new(vm)
    await vm.sessions.prompt(id_, "x")
    assert [e["method"] for e in await vm.events(id_)][3:-1] == [
        "session/update",
        "_torpor/notification",
        "_torpor/notification",
    ]
    assert vm.sessions.get(id_)["status"] == "idle"


async def test_an_agent_that_closes_stdout_is_gone(vm: FakeVm, autojump_clock: MockClock) -> None:
    async def body(agent: FakeAgent) -> None:
        agent.process.stdout.close()
        await trio.sleep_forever()

    script(vm, body)
    with failing(ErrorCode.AGENT_FAILED):
        await vm.sessions.prompt(await new(vm), "x")


async def test_a_mistake_of_ours_costs_one_agent(vm: FakeVm, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(agent: FakeAgent) -> None:
        await agent.request("fs/read_text_file", path="/x")

    async def broken(path: str) -> bytes:
        raise ZeroDivisionError

    script(vm, body)
    id_, other = await new(vm), await new(vm)
    monkeypatch.setattr(vm.files, "read_file", broken)
    with failing(ErrorCode.AGENT_FAILED) as data:
        await vm.sessions.prompt(id_, "x")
    assert "internal error" in data["message"]
    assert vm.sessions.statuses() == {other: "idle"}


def test_stderr_is_limited_in_rate_and_its_tail_in_size() -> None:
    stderr = Stderr(0)
    assert stderr.feed("é".encode()[:1], 0) is None
    assert stderr.feed("é".encode()[1:], 0) == ("é", 0)
    assert stderr.feed(b"x" * (BURST_BYTES - 10), 0) is not None
    assert stderr.feed(b"y" * 100, 0) is None
    assert stderr.feed(b"z\n", 1) == ("z\n", 100)
    for number in range(100):
        stderr.feed(f"line {number}\n".encode(), 1)
    assert stderr.tail.splitlines() == [f"line {number}" for number in range(100 - TAIL_LINES, 100)]
    stderr.feed(b"w" * 10_000, 1)
    assert len(stderr.tail.splitlines()[-1]) == TAIL_COLUMNS
