"""HTTP without WebSockets: requests by POST, events as a stream, health and metrics."""

from __future__ import annotations

import json

import h11
import pytest
import trio

from runtime.api.limits import MAX_LINE
from runtime.rpc import plain_http
from tests.patience import WAIT

TOKEN = "a-token-of-the-tests"

pytestmark = pytest.mark.parametrize("transport", ["http"], indirect=True)


class Exchange:
    """One request as it is written, and its answer piece by piece."""

    def __init__(self, stream):
        self.stream = stream
        self.protocol = h11.Connection(h11.CLIENT)
        self.text = b""

    async def send(self, method, target, headers, body=b""):
        request = h11.Request(method=method, target=target, headers=list(headers.items()))
        await self.stream.send_all(self.protocol.send(request))
        await self.send_body(body)

    async def send_body(self, body):
        if body:
            await self.stream.send_all(self.protocol.send(h11.Data(data=body)))
        await self.stream.send_all(self.protocol.send(h11.EndOfMessage()) or b"")

    async def event(self):
        with trio.fail_after(WAIT):
            while (event := self.protocol.next_event()) is h11.NEED_DATA:
                self.protocol.receive_data(await self.stream.receive_some())
        return event

    async def whole(self):
        """The body's rest."""
        parts = []
        while isinstance(event := await self.event(), h11.Data):
            parts.append(bytes(event.data))
        assert isinstance(event, h11.EndOfMessage)
        return b"".join(parts)

    async def server_event(self):
        """The next event of a stream, as its fields; None at the end."""
        while b"\n\n" not in self.text:
            event = await self.event()
            if not isinstance(event, h11.Data):
                return None
            self.text += event.data
        fields, _, self.text = self.text.partition(b"\n\n")
        found = dict(line.split(": ", 1) for line in fields.decode().split("\n"))
        return {**found, "data": json.loads(found["data"])}


async def connect(world):
    host, port = world.service.http.removeprefix("http://").rsplit(":", 1)
    return await trio.open_tcp_stream(host, int(port))


def headers(world, **more):
    given = {"Host": world.service.http.removeprefix("http://"), "Authorization": f"Bearer {TOKEN}", **more}
    return {name.replace("_", "-"): value for name, value in given.items() if value is not None}


async def ask(world, method, target, body=b"", **more):
    """The status, the content type and the body of an answer."""
    async with await connect(world) as stream:
        exchange = Exchange(stream)
        length = {"Content_Length": str(len(body))} if body else {}
        await exchange.send(method, target, headers(world, **length, **more), body)
        response = await exchange.event()
        return response.status_code, dict(response.headers).get(b"content-type", b"").decode(), await exchange.whole()


async def post(world, body, **more):
    status, _, answer = await ask(world, "POST", "/rpc", body, **more)
    return status, json.loads(answer)


async def all_gone(world):
    with trio.fail_after(WAIT):
        while world.service.peers:
            await trio.testing.wait_all_tasks_blocked()


def request(method, /, number=1, **params):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()


async def test_a_request_and_its_answer(world):
    status, answer = await post(world, request("vm.getOrCreate", number="a", vm="v"))
    assert (status, answer["id"], answer["result"]["vm"]) == (200, "a", "v")
    status, answer = await post(world, request("vm.get", vm="none"))
    assert (status, answer["error"]["data"]["code"]) == (200, "vm_not_found")
    for body, code in ((b"{", -32700), (b"[]", -32600), (b"5", -32600), (request("none"), -32601)):
        status, answer = await post(world, body)
        assert (status, answer["error"]["code"]) == (200, code)
    status, answer = await post(world, b'{"jsonrpc": "2.0", "method": "vm.list"}')
    assert (status, answer["error"]["code"]) == (400, -32600)
    await all_gone(world)


async def test_the_same_rules_as_for_websockets(world):
    for method, target in (("POST", "/rpc"), ("GET", "/events?vm=v"), ("GET", "/health"), ("GET", "/metrics")):
        for status, more in (
            (401, {"Authorization": None}),
            (401, {"Authorization": "Bearer wrong"}),
            (403, {"Host": "example.com"}),
            (403, {"Origin": "https://evil.example.com"}),
        ):
            assert (await ask(world, method, target, **more))[0] == status
        assert (await ask(world, "DELETE", target))[0] == 405
    assert (await ask(world, "POST", "/other"))[0] == 404
    status, _, _ = await ask(world, "GET", "/health", Origin=world.service.http)
    assert status == 200


async def test_an_answer_to_head_has_no_body(world, caplog):
    for status, more in ((401, {"Authorization": None}), (405, {})):
        assert await ask(world, "HEAD", "/health", **more) == (status, "text/plain; charset=utf-8", b"")
    await all_gone(world)
    assert not caplog.records


async def test_large_bodies_in_both_directions(world, monkeypatch):
    text = "x" * 3_000_000
    status, answer = await post(world, request("vm.getOrCreate", vm="v", options={"labels": {"a": "b"}}))
    assert status == 200
    await post(world, request("createSession", vm="v", agentType="echo", options={"sessionId": "s"}))
    status, answer = await post(world, request("rawSend", vm="v", sessionId="s", method="x/y", params={"a": text}))
    assert (status, answer["result"]["params"]["a"] == text) == (200, True)
    async with await connect(world) as stream:  # a client that asks first, and sends in pieces
        exchange = Exchange(stream)
        more = headers(world, Transfer_Encoding="chunked", Expect="100-continue")
        start = exchange.protocol.send(h11.Request(method="POST", target="/rpc", headers=list(more.items())))
        await stream.send_all(start)
        assert (await exchange.event()).status_code == 100
        await exchange.send_body(request("vm.get", vm="v"))
        assert (await exchange.event()).status_code == 200
        assert json.loads(await exchange.whole())["result"]["vm"] == "v"
    monkeypatch.setattr(plain_http, "MAX_LINE", 1000)
    status, answer = await post(world, request("vm.get", vm="v" * 1000))
    assert (status, answer["error"]["data"]["maxLineBytes"]) == (413, MAX_LINE)
    async with await connect(world) as stream:
        exchange = Exchange(stream)
        await exchange.send("POST", "/rpc", headers(world, Transfer_Encoding="chunked"), b"x" * 2000)
        assert (await exchange.event()).status_code == 413


async def test_what_is_no_request(world):
    many = b"GET /health HTTP/1.1\r\n" + b"a: b\r\n" * 4000
    for sent, status in (
        (b"POST /rpc\r\n\r\n", b"400"),
        (b"POST /rpc HTTP/1.1\r\n\r\n", b"400"),  # without a Host
        (many, b"431"),
        (b"x" * 9000, b"414"),
    ):
        async with await connect(world) as stream:
            await stream.send_all(sent)
            with trio.fail_after(WAIT):
                assert status in await stream.receive_some()
    async with await connect(world) as stream:
        await stream.send_all(b"POST /rpc HT")
        await stream.send_eof()
        with trio.fail_after(WAIT):
            assert b"400" in await stream.receive_some()
    await all_gone(world)


async def test_who_goes_away_waits_no_longer(world):
    await post(world, request("vm.getOrCreate", vm="v"))
    await post(world, request("createSession", vm="v", agentType="echo", options={"sessionId": "s"}))
    async with await connect(world) as stream:
        body = request("sendPrompt", vm="v", sessionId="s", prompt="hang")
        await Exchange(stream).send("POST", "/rpc", headers(world, Content_Length=str(len(body))), body)
        with trio.fail_after(WAIT):
            while not any(peer.running for peer in world.service.peers):
                await trio.testing.wait_all_tasks_blocked()
    await all_gone(world)
    assert (await post(world, request("getSession", vm="v", sessionId="s")))[1]["result"]["status"] == "running"


async def subscribed(stream, world, query, **more):
    exchange = Exchange(stream)
    await exchange.send("GET", f"/events?{query}", headers(world, **more))
    response = await exchange.event()
    assert response.status_code == 200
    assert dict(response.headers)[b"content-type"] == b"text/event-stream"
    return exchange


async def test_events_of_a_session_go_on_where_they_were(world):
    await post(world, request("vm.getOrCreate", vm="v"))
    await post(world, request("createSession", vm="v", agentType="echo", options={"sessionId": "s"}))
    await post(world, request("sendPrompt", vm="v", sessionId="s", prompt="say a b c"))
    async with await connect(world) as stream:
        events = await subscribed(stream, world, "vm=v&sessionId=s&after=-1")
        seen = [await events.server_event() for _ in range(3)]
    assert [(each["id"], each["event"], each["data"]["seq"]) for each in seen] == [
        (str(seq), "sessionEvent", seq) for seq in range(3)
    ]
    await post(world, request("sendPrompt", vm="v", sessionId="s", prompt="say d e"))
    last = len((await post(world, request("getSessionEvents", vm="v", sessionId="s")))[1]["result"]) - 1
    async with await connect(world) as stream:
        events = await subscribed(stream, world, "vm=v&sessionId=s&after=-1", Last_Event_ID="2")
        seqs = [int((await events.server_event())["id"]) for _ in range(3, last + 1)]
        assert seqs == list(range(3, last + 1))
        await post(world, request("sendPrompt", vm="v", sessionId="s", prompt="say f"))
        assert (await events.server_event())["id"] == str(last + 1)


async def test_events_of_a_vm_and_of_some_types(world):
    await post(world, request("vm.getOrCreate", vm=["v", "w"]))
    async with await connect(world) as stream, await connect(world) as another:
        events = await subscribed(stream, world, "vm=v/w&types=vmState,agent_message_chunk")
        others = await subscribed(another, world, "vm=v%2Fw", Last_Event_ID="7")
        await post(world, request("vm.sleep", vm=["v", "w"]))
        for each in (events, others):
            event = await each.server_event()
            assert (event["event"], event["data"]["state"], event["data"]["vm"]) == ("vmState", "asleep", ["v", "w"])
            assert "id" not in event


async def test_a_subscription_that_cannot_be(world):
    await post(world, request("vm.getOrCreate", vm="v"))
    for query, status in (
        ("vm=none", 404),
        ("vm=v&sessionId=none", 404),
        ("", 400),
        ("vm=v&colour=red", 400),
        ("vm=v&sessionId=s&after=--1", 400),
    ):
        found, kind, body = await ask(world, "GET", f"/events?{query}")
        assert (found, kind) == (status, "application/json")
        assert json.loads(body)["error"]["data"]["code"]
    async with await connect(world) as stream:
        exchange = Exchange(stream)
        twice = [*headers(world).items(), ("Last-Event-ID", "1"), ("Last-Event-ID", "2")]
        get = h11.Request(method="GET", target="/events?vm=v&sessionId=s", headers=twice)
        await stream.send_all(exchange.protocol.send(get))
        assert (await exchange.event()).status_code == 400


async def test_a_stream_that_is_not_read_ends_and_goes_on_later(world, monkeypatch):
    await post(world, request("vm.getOrCreate", vm="v"))
    await post(world, request("createSession", vm="v", agentType="echo", options={"sessionId": "s"}))
    async with await connect(world) as stream:
        events = await subscribed(stream, world, "vm=v&sessionId=s&after=-1")
        (peer,) = world.service.peers
        (subscription,) = peer._subscriptions._live.values()
        await subscription.settled.wait()  # a replay would wait for its reader
        peer._outbox.flow_limit = 1
        peer._outbox.limit = 1
        sessions = world.host.vms["v"].sessions
        for _ in range(3):  # at once: nobody writes between them
            sessions.say("s", "x")
        seen = []
        while (event := await events.server_event()) is not None:
            seen.append(event)
    assert seen[-1]["event"] == "subscriptionLagged"
    assert seen[-1]["data"]["lastSeq"] == int(seen[-2]["id"])


async def test_health(world):
    status, kind, body = await ask(world, "GET", "/health")
    assert (status, kind) == (200, "application/json")
    assert json.loads(body) == {"status": "ok", "version": world.service.version, "epoch": world.service.epoch}
    world.service.closing = True
    status, _, body = await ask(world, "GET", "/health")
    assert (status, json.loads(body)["status"]) == (503, "closing")


async def test_metrics(world):
    await post(world, request("vm.getOrCreate", vm="v"))
    await post(world, request("createSession", vm="v", agentType="echo", options={"sessionId": "s"}))
    await post(world, request("sendPrompt", vm="v", sessionId="s", prompt="say a b"))
    status, kind, body = await ask(world, "GET", "/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    lines = body.decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["torpor_vms"] == "1"
    assert int(values["torpor_events_total"]) >= 3
    assert values['torpor_sessions{status="idle"}'] == "2"
    assert values['torpor_tokens{kind="inputTokens"}'] == "5"
    assert values['torpor_cost{currency="USD"}'] == "0.25"
    assert values['torpor_request_seconds_count{method="sendPrompt"}'] == "1"
    assert values['torpor_request_seconds_bucket{method="sendPrompt",le="+Inf"}'] == "1"
    assert float(values['torpor_request_seconds_sum{method="sendPrompt"}']) >= 0
    families = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {
        name.split("{")[0].removesuffix(suffix) for name in values for suffix in ("_count", "_sum", "_bucket")
    } & families
