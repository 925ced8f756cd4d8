"""Framing faults, concurrency, cancellation and the end of connections, over the Unix socket and over HTTP."""

from __future__ import annotations

import json
import socket
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
import trio
import trio.lowlevel
from trio.testing import wait_all_tasks_blocked

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.limits import MAX_LINE
from runtime.rpc import connection, framing, server, websocket
from tests.patience import WAIT

over_unix = pytest.mark.parametrize("transport", ["unix"], indirect=True)


@pytest.mark.parametrize(
    ("line", "code", "request_id"),
    [
        (b"{", -32700, None),
        (b"garbage", -32700, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":"\xff"}}', -32700, 1),
        (b'{"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":"\xed\xa0\xbd"}}', -32700, 1),
        (b'{"jsonrpc":"2.0","method":"hello","params":{"client":"\\u12"},"id":2}', -32700, 2),
        (b'{"jsonrpc":"2.0","method":"hello","params":{"client":"\t"},"id":"\xff"}', -32700, "\ufffd"),
        (b'{"jsonrpc":"2.0","method":"hello","params":{"client":NaN},"id":"x"}', -32700, "x"),
        (b'{"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":"', -32700, None),
        (b"[]", -32600, None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"hello"}]', -32600, None),
        (b"12", -32600, None),
        (b"null", -32600, None),
        (b'{"id":5,"method":"hello"}', -32600, 5),
        (b'{"jsonrpc":"1.0","id":"a","method":"hello"}', -32600, "a"),
        (b'{"jsonrpc":"2.0","id":7}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":3}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":true,"method":"hello"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":null,"method":"hello"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":8,"method":"nothing"}', -32601, 8),
        (b'{"jsonrpc":"2.0","id":8,"method":"$/nothing"}', -32601, 8),
        (b'{"jsonrpc":"2.0","id":9,"method":"hello","params":[1]}', -32602, 9),
        (b'{"jsonrpc":"2.0","id":9,"method":"hello","params":null}', -32602, 9),
        (b'{"jsonrpc":"2.0","id":9,"method":"hello","params":' + b"[" * 50_000 + b"]" * 50_000 + b"}", -32600, 9),
        (b'{"jsonrpc":"2.0","method":"hello","params":' + b"[" * 9000 + b"]" * 9000 + b',"id":"end"}', -32600, "end"),
        (b'{"jsonrpc":"2.0","id":1e999,"method":"hello"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":' + b"1" * 5000 + b',"method":"hello"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":{"a":1},"method":"hello"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"nothing"}', -32601, 2),
    ],
)
async def test_a_faulty_line_is_answered_and_the_connection_lives_on(peer, line, code, request_id):
    await peer.send(line)
    answer = await peer.receive()
    assert (answer["error"]["code"], answer["id"]) == (code, request_id)
    names = {-32700: "parse_error", -32600: "invalid_request", -32601: "method_not_found", -32602: "invalid_params"}
    assert (answer["error"]["data"]["code"], answer["error"]["data"]["retryable"]) == (names[code], False)
    assert (await peer.call("hello"))["protocol"] == 1


async def test_halves_of_characters_are_replaced_and_what_is_stored_is_whole(world, peer):
    await peer.call("vm.getOrCreate", vm="v")
    await peer.call("writeFile", vm="v", path="/a", content="x\ud83dy \\ud83d")
    assert (await peer.call("readFile", vm="v", path="/a"))["content"] == "x\ufffdy \\ud83d"
    await peer.call("writeFile", vm="v", path="/half\ud83d", content="first")
    await peer.call("writeFile", vm="v", path="/half\udc00", content="second")
    assert (await peer.call("readFile", vm="v", path="/half\ufffd"))["content"] == "second"
    labels = dict(zip(("\ud83d", "\udc00"), ("first", "second"), strict=True))
    await peer.call("vm.getOrCreate", vm="l", options={"labels": labels})
    assert world.host.vms["l"].given == {"labels": {"\ufffd": "second"}}
    await peer.send(b'\xef\xbb\xbf{"jsonrpc":"2.0","id":"\\udc00","method":"vm.list"}')
    assert (await peer.receive())["id"] == "\ufffd"


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        (b'{"vm":"v","limits":1e999}', "/limits"),
        (b'{"vm":"v","options":{"limits":{"fuel":1e999}}}', "/options/limits/fuel"),
        (b'{"vm":["v",1e999]}', "/vm/1"),
        (b'{"vm":["v",' + b"1" * 5000 + b"]}", "/vm/1"),
        (b'{"vm":"v","options":{"limits":{"fuel":123456789012345678901234567890}}}', "/options/limits/fuel"),
        (b'{"vm":"v","options":{"limits":{"fuel":1.5}}}', "/options/limits/fuel"),
    ],
)
async def test_numbers_that_are_none_of_ours_are_named(peer, params, pointer):
    await peer.send(b'{"jsonrpc":"2.0","id":1,"method":"vm.getOrCreate","params":' + params + b"}")
    answer = await peer.receive()
    assert (answer["id"], answer["error"]["code"]) == (1, -32602)
    assert [error["pointer"] for error in answer["error"]["data"]["errors"]] == [pointer]


async def test_an_error_that_names_half_a_character_is_told(world, peer, monkeypatch):
    async def get(name):
        raise ApiError(ErrorCode.IO_ERROR, "cannot read /a\udcff", path="/a\udcff")

    monkeypatch.setattr(world.host.queries, "get", get)
    assert (await peer.error("vm.get", vm="v"))["data"]["path"] == "/a\ufffd"


async def test_hello_tells_limits_and_the_epoch(peer, world):
    welcome = await peer.call("hello", client={"name": "test"}, protocol=1)
    assert welcome["server"] == "torpor"
    assert welcome["limits"]["maxLineBytes"] == MAX_LINE
    assert welcome["epoch"] == world.service.epoch
    assert (await peer.error("hello", protocol=2))["data"]["errors"][0]["pointer"] == "/protocol"


async def test_a_line_over_the_limit_is_answered_and_the_connection_closed(world, monkeypatch):
    monkeypatch.setattr(connection, "LINGER", WAIT)
    async with world.peer() as peer:
        with trio.fail_after(WAIT):
            await peer.send(b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * MAX_LINE + b'"}')
            answer = await peer.receive()
            assert (answer["error"]["code"], answer["id"]) == (-32600, None)
            assert answer["error"]["data"] == {"code": "invalid_request", "retryable": False, "maxLineBytes": MAX_LINE}
            assert await peer.receive() is None
    async with world.peer() as another:
        assert await another.call("vm.list") == []


async def test_a_peer_that_never_ends_its_line_is_cut_off(world, monkeypatch):
    monkeypatch.setattr(connection, "LINGER", WAIT)
    for module in (framing, websocket):
        monkeypatch.setattr(module, "MAX_SKIPS", 4)

    async def send_for_ever(peer):
        await peer.send(b"x" * MAX_LINE + b"x")
        while True:
            await peer.stream.send_all(b"x" * 100_000)

    async with world.peer() as peer:
        with trio.fail_after(WAIT), pytest.raises(trio.BrokenResourceError):
            await send_for_ever(peer)


@pytest.mark.slow
async def test_a_line_just_below_the_limit_is_served(world, peer):
    await peer.call("vm.getOrCreate", vm="v")
    text = "x" * (MAX_LINE - 200)
    await peer.call("writeFile", vm="v", path="/big", content=text)
    assert (await peer.call("readFile", vm="v", path="/big"))["content"] == text


async def test_notifications_get_no_answer_and_unknown_ones_are_ignored(world, peer):
    await peer.notify("$/whatever", x=1)
    await peer.notify("nothing")
    await peer.notify("vm.get", vm="missing")
    await peer.notify("vm.getOrCreate", vm="made")
    assert await peer.call("hello")
    await wait_all_tasks_blocked()
    assert list(world.host.vms) == ["made"]
    assert not peer.notifications


async def test_requests_run_concurrently_and_are_answered_out_of_order(world, peer):
    await world.session()
    turn = await peer.start("sendPrompt", vm="v", sessionId="s", prompt="hang")
    assert await peer.call("exists", vm="v", path="/x") is False
    busy = await peer.error("sendPrompt", vm="v", sessionId="s", prompt="say x")
    assert (busy["code"], busy["data"]["code"], busy["data"]["retryable"]) == (-32000, "prompt_in_progress", True)
    assert await peer.call("cancelPrompt", vm="v", sessionId="s") == {"outcome": "cancelled"}
    assert (await peer.response(turn))["result"]["stopReason"] == "cancelled"


async def test_cancelling_a_request_ends_the_wait_and_not_the_turn(world, peer):
    sessions = await world.session()
    turn = await peer.start("sendPrompt", vm="v", sessionId="s", prompt="hang")
    await peer.call("hello")
    await peer.notify("$/cancel_request", id=turn)
    error = (await peer.response(turn))["error"]
    assert (error["code"], error["data"]) == (-32800, {"code": "cancelled", "retryable": False})
    assert sessions.row("s")["status"] == "running"
    for params in ({"id": turn}, {"id": "never"}, {"id": [1]}, {}):
        await peer.notify("$/cancel_request", **params)
    await peer.send(b'{"jsonrpc":"2.0","method":"$/cancel_request","params":[}')
    assert (await peer.receive())["error"]["code"] == -32700
    await peer.send(b'{"jsonrpc":"2.0","id":"c","method":"$/cancel_request","params":{"id":1}}')
    assert (await peer.response("c"))["result"] == {}


async def test_one_peer_cannot_cancel_the_requests_of_another(world, peer):
    await world.session()
    turn = await peer.start("sendPrompt", vm="v", sessionId="s", prompt="hang")
    async with world.peer() as other:
        await other.notify("$/cancel_request", id=turn)
        await other.call("hello")
        await other.call("cancelPrompt", vm="v", sessionId="s")
    assert (await peer.response(turn))["result"]["stopReason"] == "cancelled"


async def test_closing_the_connection_leaves_the_turn_running(world):
    sessions = await world.session()
    async with world.peer() as peer:
        await peer.start("sendPrompt", vm="v", sessionId="s", prompt="hang")
        await peer.call("hello")
    with trio.fail_after(WAIT):
        while world.service.status()["connections"]:
            await trio.lowlevel.checkpoint()
    assert sessions.row("s")["status"] == "running"


async def test_an_id_in_use_is_refused(world, peer):
    await world.session()
    line = b'{"jsonrpc":"2.0","id":"x","method":"sendPrompt","params":{"vm":"v","sessionId":"s","prompt":"hang"}}'
    await peer.send(line)
    await peer.send(line)
    assert (await peer.response("x"))["error"]["code"] == -32600


async def test_ids_come_back_as_they_were_sent(peer):
    for number in ("0", "-1", "1.5", '""', '"\\u00e9"', "123456789012345678901234567890"):
        await peer.send(b'{"jsonrpc":"2.0","id":' + number.encode() + b',"method":"vm.list"}')
        assert (await peer.receive())["id"] == json.loads(number)


async def test_an_unexpected_exception_discloses_nothing(world, peer, caplog):
    await world.session()
    error = await peer.error("rawSend", vm="v", sessionId="s", method="explode")
    assert error == {
        "code": -32603,
        "message": "internal error",
        "data": {"code": "internal_error", "retryable": False},
    }
    assert "the secret of the handler" in caplog.text
    assert await peer.call("rawSend", vm="v", sessionId="s", method="m") == {"method": "m", "params": {}}


async def test_application_errors_carry_their_data(world, peer):
    await world.session()
    error = await peer.error("sendPrompt", vm="v", sessionId="s", prompt="fail")
    assert error["code"] == -32000
    assert error["data"] == {
        "code": "agent_failed",
        "retryable": False,
        "phase": "prompt",
        "exitCode": 3,
        "stderr": "boom\n",
    }
    assert (await peer.error("vm.get", vm="missing"))["data"]["code"] == "vm_not_found"


async def test_an_error_inside_a_group_of_one_is_that_error(world, peer, monkeypatch):
    async def get(name):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(type(world.host.queries).get, world.host.queries, name)

    monkeypatch.setattr(world.host.queries, "get", get)
    assert (await peer.error("vm.get", vm="missing"))["data"]["code"] == "vm_not_found"


async def test_too_many_requests_in_flight_are_busy(world, peer, monkeypatch):
    monkeypatch.setattr(connection, "MAX_IN_FLIGHT", 2)
    await world.session()
    await world.session("w")
    await peer.start("sendPrompt", vm="v", sessionId="s", prompt="hang")
    await peer.start("sendPrompt", vm="w", sessionId="s", prompt="hang")
    error = await peer.error("vm.list")
    assert (error["data"]["code"], error["data"]["retryable"]) == ("busy", True)


async def test_too_many_bytes_in_flight_are_busy(world, peer, monkeypatch):
    monkeypatch.setattr(connection, "MAX_IN_FLIGHT_BYTES", 2000)
    await world.session()
    hanging = await peer.start("sendPrompt", vm="v", sessionId="s", prompt="hang" + " " * 1000)
    error = await peer.error("hello", client={"name": "x" * 1000})
    assert (error["data"]["code"], error["data"]["retryable"]) == ("busy", True)
    await peer.call("hello")
    await peer.call("$/cancel_request", id=hanging)
    await peer.response(hanging)
    await peer.call("hello", client={"name": "x" * 1000})


@pytest.mark.slow
async def test_thousands_of_pipelined_requests_are_all_served(peer):
    count = 6000
    lines = [b'{"jsonrpc":"2.0","id":%d,"method":"vm.list"}' % number for number in range(count)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer.send, *lines)
        answers = [await peer.receive() for _ in range(count)]
    assert {answer["id"] for answer in answers} == set(range(count))
    assert all(answer["result"] == [] for answer in answers)


async def test_thousands_of_requests_at_once_have_the_weight_of_one(world, peer):
    """Counted in requests: how many of one peer's are begun between those of another."""
    begun = 0

    async def count():
        nonlocal begun
        begun += 1
        return []

    world.host.queries.list = count
    lines = [b'{"jsonrpc":"2.0","id":%d,"method":"vm.list"}' % number for number in range(2000)]
    between = []
    async with world.peer() as another, trio.open_nursery() as nursery:
        nursery.start_soon(peer.send, *lines)
        while not begun:
            await trio.lowlevel.checkpoint()
        while begun < 1000:
            before = begun
            await another.call("hello")
            between.append(begun - before)
    assert max(between) < 16 * connection.FREE_IN_FLIGHT


async def test_an_answer_over_the_limit_is_too_large(world, peer, monkeypatch):
    monkeypatch.setattr(connection, "MAX_RESPONSE", 1000)
    await peer.call("vm.getOrCreate", vm="v")
    world.host.vms["v"].files.data["/f"] = b"x" * 1000
    error = await peer.error("readFile", vm="v", path="/f")
    assert error["data"] == {"code": "too_large", "retryable": False, "limit": 1000}


@over_unix
async def test_a_peer_that_stops_writing_still_gets_its_answers(world):
    async with world.peer() as peer:
        await peer.stream.send_all(b'{"jsonrpc":"2.0","id":1,"method":"vm.list"}')
        await peer.stream.send_eof()
        assert (await peer.receive())["result"] == []
        assert await peer.receive() is None


@over_unix
async def test_peers_of_another_user_are_hung_up_on(world, monkeypatch):
    monkeypatch.setattr(server, "peer_uid", lambda _socket: 4_000_000)
    async with world.peer() as peer:
        assert await peer.receive() is None


async def test_one_connection_too_many_is_told_so(world, peer, monkeypatch):
    await peer.call("hello")
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 1)
    async with world.peer() as another:
        assert (await another.receive())["error"]["data"]["code"] == "busy"
        assert await another.receive() is None


@pytest.mark.slow
async def test_a_peer_that_never_reads_holds_up_nobody(world, peer):
    await peer.call("vm.getOrCreate", vm="v")
    await peer.call("writeFile", vm="v", path="/f", content="x" * 1_000_000)
    async with world.peer() as stuck:
        for _ in range(200):
            await stuck.start("readFile", vm="v", path="/f")
        for _ in range(20):
            assert await peer.call("exists", vm="v", path="/f")
    with trio.fail_after(WAIT):
        while (await peer.call("daemon.status"))["connections"] > 1:
            pass


async def test_the_peers_uid_is_what_the_kernel_says():
    left, right = socket.socketpair()
    with left, right:
        assert server.peer_uid(trio.socket.from_stdlib_socket(left)) >= 0


def anonymous_memory() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


async def test_status_tells_of_connections_and_the_host(world, peer):
    status = await peer.call("daemon.status")
    assert (status["connections"], status["requests"], status["vms"]) == (1, 1, 0)
    assert status["socket"] == str(world.service.path)
    assert status["memoryBytes"] == pytest.approx(anonymous_memory(), rel=0.1)


async def test_a_closing_server_refuses_and_drains(world, peer):
    await world.session()
    turn = await peer.start("sendPrompt", vm="v", sessionId="s", prompt="hang")
    await peer.call("hello")
    world.server.refuse()
    assert (await peer.error("vm.list"))["data"]["code"] == "shutting_down"
    await world.host.vms["v"].sessions.cancel("s", 0)
    with trio.fail_after(WAIT):
        await world.server.drain(WAIT)
    assert (await peer.response(turn))["result"]["stopReason"] == "cancelled"


@pytest.mark.slow
async def test_large_requests_and_answers_come_whole(world, peer):
    """Whatever is in them: they are read and written in pieces."""
    await world.host.get_or_create("v", None)
    text = ('say "\\ud83d\\ude00" é\n\\' + "\U0001f600") * 200_000
    assert await peer.call("writeFile", vm="v", path="/large", content=text) == {}
    assert (await peer.call("readFile", vm="v", path="/large"))["content"] == text
    data = b"\xff\x00\x01" * 1_000_001
    assert await peer.call("writeFile", vm="v", path="/data", content={"base64": b64encode(data).decode()}) == {}
    assert b64decode((await peer.call("readFile", vm="v", path="/data"))["content"]["base64"]) == data
    error = await peer.error("writeFile", vm="v", path="/data", content={"base64": "é" * 200_000})
    assert error["data"]["errors"][0]["pointer"].startswith("/content")
    error = await peer.error("writeFile", vm="v", path=5, content="x" * 100_000)
    assert error["data"]["errors"][0]["pointer"] == "/path"
    error = await peer.error("readFiles", vm="v", paths=["/x"] * 60_000)
    assert (error["code"], "50000" in error["message"]) == (-32600, True)
    assert (await peer.call("hello"))["protocol"] == 1


async def test_a_long_id_is_answered_under_itself(peer):
    name = "id-" + "x" * 1000
    line = json.dumps({"jsonrpc": "2.0", "id": name, "method": "hello", "params": {"client": {"name": "y" * 100_000}}})
    await peer.send(line.encode())
    assert (await peer.receive())["id"] == name
