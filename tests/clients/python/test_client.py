"""The asynchronous client under trio and asyncio, over the Unix socket and over HTTP, against a daemon without VMs."""

from __future__ import annotations

import inspect
import itertools
import subprocess
import sys
from functools import partial
from pathlib import Path

import anyio
import pytest
from websockets.server import ServerProtocol

import torpor
from runtime.api import endpoint
from runtime.api.endpoint import HttpEndpoint
from runtime.api.methods import METHODS
from runtime.client import client as client_module
from runtime.client import subscription, wires
from runtime.client.client import connect
from runtime.client.link import Link
from runtime.client.notification import Notification

TOKEN = "a-token-of-the-tests"
names = (f"vm-{number}" for number in itertools.count())


def test_calls_and_errors(run, place):
    async def main():
        async with connect(place) as client:
            assert client.welcome["protocol"] == 1
            assert (await client.status())["pid"] > 0
            assert (await client.list_agents())[0]["id"] == "echo"
            assert (await client.discover())["openrpc"]
            with pytest.raises(torpor.RpcError) as caught:
                await client.call("vm.get", vm="missing")
            assert (caught.value.code, caught.value.name, caught.value.retryable) == (-32000, "vm_not_found", False)
            with pytest.raises(UnicodeEncodeError):
                await client.call("vm.get", vm="\udcff")

    run(main)


@pytest.mark.parametrize("line", [b"{", b"null", b"[]", b"5", b'"\xff"', b"[" * 9999])
def test_what_does_not_send_messages_is_no_daemon(run, line):
    class Odd:
        async def send(self, messages):
            pass

        async def receive(self):
            return [line]

        async def aclose(self):
            pass

    async def main():
        link = Link(Odd(), lambda _notification: None)
        await link.run()
        with pytest.raises(torpor.ConnectionLostError, match="is no daemon"):
            link.check()

    run(main)


def test_vms(run, place):
    async def main():
        name = next(names)
        async with connect(place) as client:
            with pytest.raises(torpor.RpcError, match=name):
                await client.vm.get(name)
            agent = client.vm.get_or_create(name, {"labels": {"a": "b"}})
            assert name not in [vm["vm"] for vm in await client.vm.list()]
            assert (await agent.get())["vm"] == name
            assert (await client.vm.get(name)).name == name
            assert await agent is agent
            with pytest.raises(torpor.RpcError) as caught:
                await client.vm.get_or_create(name, {"labels": {}})
            assert caught.value.name == "vm_conflict"
            await agent.sleep()
            assert (await agent.stats())["state"] == "asleep"
            await agent.wake()
            assert (await agent.get())["state"] == "awake"
            await agent.destroy()
            parts = await client.vm.get_or_create([name, "part"])
            assert (await parts.get())["vm"] == [name, "part"]

    run(main)


def test_sessions(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            session = await agent.create_session("echo", session_id="s", env={"A": "b"}, cwd="/x")
            assert (session.session_id, session.cwd, session.modes, session.config_options) == ("s", "/x", None, [])
            assert await agent.raw_send("s", "test/options") == {
                "options": {"sessionId": "s", "env": {"A": "b"}, "cwd": "/x"}
            }
            assert await agent.raw_send("s", "m", {"a": 1}) == {"method": "m", "params": {"a": 1}}
            response = await agent.send_prompt("s", "say a b")
            assert (response.text, response.stop_reason, response.seq) == ("ab", "end_turn", 2)
            assert (await agent.send_prompt("s", [{"type": "text", "text": "say c"}])).text == "c"
            events = await agent.get_session_events("s", after=0, before=4, limit=2)
            assert [(event.session_id, event.seq) for event in events] == [("s", 1), ("s", 2)]
            assert [each.last_seq for each in await agent.list_persisted_sessions()] == [4]
            assert [each.status for each in await agent.list_sessions()] == ["idle"]
            assert (await agent.get_session("s"))["lastSeq"] == 4
            assert await agent.cancel_prompt("s") == "no_active_prompt"
            await agent.close_session("s")
            with pytest.raises(torpor.RpcError) as caught:
                await agent.send_prompt("s", "say x")
            assert caught.value.name == "session_closed"
            assert (await agent.resume_session("s")).session_id == "s"
            await agent.destroy_session("s")
            assert await agent.list_persisted_sessions() == []

    run(main)


def test_files(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.write_file("/d/text", "grüße")
            await agent.write_file("/d/bytes", b"\xff\x00")
            assert await agent.read_file("/d/text") == "grüße"
            assert await agent.read_file("/d/text", encoding="base64") == "grüße".encode()
            assert await agent.read_file("/d/bytes") == b"\xff\x00"
            assert await agent.readdir("/d") == ["bytes", "text"]
            assert (await agent.stat("/d/bytes")).size == 2
            assert await agent.exists("/d/text")
            await agent.mkdir("/e", recursive=True)
            await agent.delete_file("/d/text")
            assert not await agent.exists("/d/text")
            big = "x" * 8_000_000
            await agent.write_file("/big", big)
            assert await agent.read_file("/big") == big

    run(main)


def test_iterating_over_a_session(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            await agent.create_session("echo", session_id="other")
            await agent.send_prompt("s", "say before")
            async with agent.connect("s") as conn, agent.connect("s", after=-1) as replay:
                response = await agent.send_prompt("s", "say a b")
                await agent.send_prompt("other", "say x")
                live = [event async for event in until(conn, response.seq)]
                assert [(event.seq, event.type, event.text) for event in live] == [
                    (2, "user_message_chunk", "say a b"),
                    (3, "agent_message_chunk", "a"),
                    (4, "agent_message_chunk", "b"),
                ]
                assert {(event.method, event.session_id) for event in live} == {("sessionEvent", "s")}
                assert [event.seq async for event in until(replay, response.seq)] == [0, 1, 2, 3, 4]
                assert (await client.status())["subscriptions"] == 2
            assert [event async for event in conn] == []
            while (await client.status())["subscriptions"]:
                pass

    run(main)


async def until(conn, seq):
    async for event in conn:
        yield event
        if event.seq == seq:
            return


def test_iterating_over_a_vm(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            await agent.send_prompt("s", "say before")
            async with agent.connect() as conn, agent.connect(types=["vmState"]) as states:
                await agent.send_prompt("s", "say a")
                await agent.create_session("echo", session_id="t")
                await agent.send_prompt("t", "say b")
                await agent.sleep()
                seen = [event async for event in until_method(conn, "vmState")]
                assert [(event.session_id, event.seq) for event in seen] == [
                    *[("s", 2), ("s", 3), ("t", 0), ("t", 1)],
                    (None, None),
                ]
                assert [(event.type, event.text) async for event in until_method(states, "vmState")] == [(None, "")]

    run(main)


async def until_method(conn, method):
    async for event in conn:
        yield event
        if event.method == method:
            return


def test_callbacks_come_before_the_answer(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            seen = []
            conn = agent.connect()
            conn.on("sessionEvent", lambda data: seen.append(data["seq"]))
            async with conn:
                await agent.send_prompt("s", "burst 50")
                assert seen == list(range(51))
                with pytest.raises(RuntimeError, match="callbacks"):
                    await anext(conn)
                conn.on("vmState", lambda data: seen.append(data["state"]))
                await agent.sleep()
                while seen[-1] != "asleep":
                    await client.status()
            await agent.send_prompt("s", "say x")
            assert seen[-1] == "asleep"

    run(main)


def test_callbacks_that_come_late_get_what_waits(run, socket_path):
    async def main():
        async with connect(socket_path) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            async with agent.connect("s") as conn:
                await agent.send_prompt("s", "say a")
                seen = []
                conn.on("sessionEvent", seen.append)
                assert [data["seq"] for data in seen] == [0, 1]

    run(main)


def test_callbacks_may_be_async_and_call_the_daemon(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            conn = agent.connect("s")

            async def allow(data):
                await agent.respond_permission("s", data["request"]["permissionId"], "once")

            conn.on("permissionRequest", allow)
            async with conn:
                assert (await agent.send_prompt("s", "ask")).stop_reason == "end_turn"

            async def fail(_data):
                await client.status()
                raise ZeroDivisionError

            conn = agent.connect("s")
            conn.on("sessionEvent", fail)
            with pytest.raises(ZeroDivisionError):
                await hear(conn)

    run(main)


def test_a_callback_that_fails_ends_the_block(run, socket_path):
    async def main():
        async with connect(socket_path) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            conn = agent.connect("s")
            conn.on("sessionEvent", lambda data: data["nothing"])
            with pytest.raises(KeyError):
                await hear(conn)
            async with agent.connect("s") as conn:
                await agent.send_prompt("s", "say a")
            assert await agent.list_sessions()

    run(main)


async def hear(conn):
    async with conn:
        await conn._vm.send_prompt("s", "say a")
        await anyio.sleep_forever()


def test_a_connection_that_is_given_up_leaves_no_subscription(run, place):
    async def main():
        async with connect(place) as client:
            agent = await client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            for delay in [0, 0.0005, 0.001, 0.002] * 5:
                for session in ("s", None):
                    with anyio.move_on_after(delay):
                        await hear(agent.connect(session))
            await agent.cancel_prompt("s")
            while (await client.status())["subscriptions"]:
                pass

    run(main)


def test_what_cannot_be_heard(run, socket_path):
    async def main():
        async with connect(socket_path) as client:
            agent = client.vm.get_or_create(next(names))
            with pytest.raises(ValueError, match="one session"):
                agent.connect(after=-1)
            for session in ("missing", None):
                with pytest.raises(torpor.RpcError):
                    async with (agent if session else client.vm.get("missing")).connect(session):
                        pytest.fail("there is nothing to hear")
            assert (await client.status())["subscriptions"] == 0

    run(main)


@pytest.mark.parametrize("whole_vm", [False, True])
def test_a_slow_program_misses_nothing_and_costs_a_bounded_amount(run, socket_path, monkeypatch, whole_vm):
    monkeypatch.setattr(subscription, "MAX_QUEUED", 10)

    async def main():
        async with connect(socket_path) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            await agent.create_session("echo", session_id="t")
            async with agent.connect(None if whole_vm else "s") as conn:
                await agent.send_prompt("s", "burst 300")
                await agent.send_prompt("t", "burst 100")
                assert len(conn._queue) <= 10
                seen = []
                async for event in conn:
                    if event.method == "sessionEvent":
                        seen.append(event)
                    else:  # after each gap
                        assert event.params["reason"] == "reconnected"
                    assert len(conn._queue) <= 10
                    if len(seen) == 301 + whole_vm * 101:
                        break
                for session, count in [("s", 301), ("t", 101 * whole_vm)]:
                    assert [event.seq for event in seen if event.session_id == session] == list(range(count))

    run(main)


def test_a_lagging_subscription_is_mended(run, place, monkeypatch):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            async with agent.connect("s") as conn, agent.connect() as whole:
                await agent.send_prompt("s", "burst 10")
                for each in (conn, whole):
                    each.hear(torpor.Notification("subscriptionLagged", {"lastSeq": 3}))
                last = (await agent.send_prompt("s", "burst 10")).seq
                for each in (conn, whole):
                    events = [event async for event in until(each, last)]
                    assert [event.seq for event in events if event.seq is not None] == list(range(last + 1))
                    assert {event.params["reason"] for event in events if event.seq is None} <= {"reconnected"}

    run(main)


def test_cancelling_a_call_cancels_the_request_and_not_the_turn(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            async with agent.connect("s") as conn, anyio.create_task_group() as tasks:
                tasks.start_soon(agent.send_prompt, "s", "hang")
                assert (await anext(conn)).text == "hang"
                assert (await client.status())["requests"] == 2
                tasks.cancel_scope.cancel()
            while (await client.status())["requests"] > 1:
                pass
            assert [each.status for each in await agent.list_sessions()] == ["running"]
            assert await agent.cancel_prompt("s") == "cancelled"

    run(main)


def test_many_calls_at_once(run, place):
    async def main():
        async with connect(place) as client:
            agent = await client.vm.get_or_create(next(names))
            answers = []

            async def call(number):
                await agent.write_file(f"/{number}", str(number) * 1000)
                answers.append(await agent.read_file(f"/{number}") == str(number) * 1000)

            async with anyio.create_task_group() as tasks:
                for number in range(200):
                    tasks.start_soon(call, number)
            assert answers == [True] * 200

    run(main)


def test_a_thousand_connections(run, place):
    async def main():
        async with connect(place) as client:
            agent = client.vm.get_or_create(next(names))
            await agent.create_session("echo", session_id="s")
            seen = [[] for _ in range(1000)]
            async with anyio.create_task_group() as tasks:
                entered = []

                async def listen(number):
                    conn = agent.connect("s", after=-1)
                    conn.on("sessionEvent", lambda data: seen[number].append(data["seq"]))
                    async with conn:
                        entered.append(number)
                        await anyio.sleep_forever()

                for number in range(1000):
                    tasks.start_soon(listen, number)
                while len(entered) < 1000:
                    await client.status()
                assert (await client.status())["subscriptions"] == 1000
                await agent.send_prompt("s", "burst 5")
                tasks.cancel_scope.cancel()
            assert all(found == [0, 1, 2, 3, 4, 5] for found in seen)

    run(main)


def test_the_programs_errors_come_out_as_they_are(run, socket_path):
    async def main():
        with pytest.raises(ZeroDivisionError):
            async with connect(socket_path):
                raise ZeroDivisionError
        with pytest.raises(torpor.RpcError):
            async with connect(socket_path) as client, client.vm.get_or_create(next(names)).connect() as conn:
                await client.call("vm.get", vm="missing")
        assert conn is not None
        with anyio.move_on_after(0.01) as scope:
            async with connect(socket_path):
                await anyio.sleep_forever()
        assert scope.cancelled_caught

    run(main)


def test_nobody_there(run, places, monkeypatch):
    monkeypatch.delenv("TORPOR_TOKEN", raising=False)

    async def fails(error, match, place, **options):
        with pytest.raises(error, match=match):
            async with connect(place, **options):
                pytest.fail("connected")

    async def main():
        await fails(torpor.ConnectError, "there is no socket", "/nowhere/t.sock")
        await fails(torpor.ConnectError, "no daemon answers at http://localhost:1", "http://localhost:1", token="x")
        await fails(torpor.ConnectError, "HTTP 401: A bearer token", places["http"], token="wrong")
        await fails(torpor.EndpointError, "needs a token", places["http"])
        for place in ("ftp://x", "http://", "http://a@b:1", "http://a:1/other", "http://a:99999", "https://a:1"):
            await fails(torpor.EndpointError, "not an endpoint", place, token="x")
        with pytest.raises(ValueError, match="patience"):
            async with connect(places["unix"], patience=-1):
                pass

    run(main)


def test_what_answers_http_and_is_no_daemon(run):
    async def main():
        async def serve(stream):
            async with stream:
                await stream.receive()
                await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, serve)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's
            with pytest.raises(torpor.ConnectError, match="HTTP 200: hi"):
                async with connect(f"http://127.0.0.1:{port}", token="x"):
                    pass
            tasks.cancel_scope.cancel()

    run(main)


def test_a_daemon_that_never_answers(run, tmp_path, monkeypatch):
    monkeypatch.setattr(client_module, "CONNECT_SECONDS", 0.05)

    async def main():
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's
            with pytest.raises(torpor.ConnectError, match="in time"):
                async with connect(f"http://127.0.0.1:{port}", token="x"):
                    pass

    run(main)


def test_a_daemon_that_is_gone_for_good(run, tmp_path_factory):
    directory = tmp_path_factory.mktemp("d")
    script = Path(__file__).parents[2] / "rpc" / "fake_host.py"
    path = directory / "s"
    with subprocess.Popen([sys.executable, "-P", str(script), str(path)], stderr=subprocess.PIPE, text=True) as daemon:
        assert daemon.stderr is not None
        assert daemon.stderr.readline() == "ready\n"

        async def main():
            async with connect(path, patience=0) as client:
                agent = client.vm.get_or_create("v")
                await agent.create_session("echo", session_id="s")
                async with agent.connect("s") as conn:
                    daemon.kill()
                    with pytest.raises(torpor.ConnectionLostError):
                        await agent.send_prompt("s", "hang")
                    with pytest.raises(torpor.ConnectionLostError, match="not come back"):
                        await anext(conn)
                with pytest.raises(torpor.ConnectionLostError, match="not come back"):
                    await client.status()

        run(main)


def test_every_method_of_the_api_is_there():
    elsewhere = {"hello", "subscribe", "unsubscribe"}  # of the connection: done by `connect`
    of_client = {"daemon.status": "status", "rpc.discover": "discover", "vm.list": "vm.list"}
    of_client |= {"daemon.rotateKey": "rotate_key", "vm.getOrCreate": "vm.get_or_create", "listAgents": "list_agents"}
    of_client |= {"vm.import": "vm.import_"}
    for method in METHODS.values():
        if method.name in elsewhere:
            continue
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in method.name)
        snake = of_client.get(method.name, snake.removeprefix("vm."))
        place = torpor.Client if method.name in of_client else torpor.Vm
        if snake.startswith("vm."):
            place, snake = client_module.Vms, snake.removeprefix("vm.")
        assert inspect.isfunction(getattr(place, snake, None)), method.name


def test_a_message_is_so_long_and_no_longer(run):
    async def main():
        async def serve(excess, stream):
            async with stream:
                protocol = ServerProtocol(subprotocols=["torpor.v1"])
                while not (requests := protocol.events_received()):
                    protocol.receive_data(await stream.receive())
                protocol.send_response(protocol.accept(requests[0]))
                await stream.send(b"".join(protocol.data_to_send()))
                # The head alone of an unmasked text frame with 64 bits of length (RFC 6455, section 5.2).
                await stream.send(b"\x81\x7f" + (endpoint.MAX_MESSAGE + excess).to_bytes(8, "big"))

        for excess, said in ((0, "the daemon has closed the connection$"), (1, "too big")):
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
            async with listener, anyio.create_task_group() as tasks:
                tasks.start_soon(listener.serve, partial(serve, excess))
                port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - not Django's
                wire = await wires.open_wire(HttpEndpoint("127.0.0.1", port, "token"))
                with pytest.raises(torpor.ConnectionLostError, match=said):
                    await wire.receive()
                await wire.aclose()
                tasks.cancel_scope.cancel()

    run(main)


def test_so_many_permission_requests_are_remembered_as_told(run, socket_path):
    async def main():
        async with connect(socket_path) as client:
            told = client.vm.get("v").connect("s")
            asked = [
                Notification("permissionRequest", {"sessionId": "s", "request": {"permissionId": str(number)}})
                for number in range(subscription.MAX_ASKED + 1)
            ]
            assert all(told._is_asked_first(each) for each in asked)
            assert [told._is_asked_first(each) for each in (asked[-1], asked[1], asked[0])] == [False, False, True]

    run(main)
