"""A client that opens files of a session itself."""

from __future__ import annotations

import functools

import pytest
import trio

from runtime.file_servers import FileRefusedError, FileServerGoneError
from runtime.rpc import file_serving


class Result:
    """What an awaitable has come to."""

    def __init__(self, nursery, function):
        self.value = None
        self.ended = trio.Event()
        nursery.start_soon(self.run, function)

    async def run(self, function):
        try:
            self.value = await function()
        except Exception as error:
            self.value = error
        self.ended.set()

    async def get(self):
        await self.ended.wait()
        return self.value


@pytest.fixture
async def served(world, peer):
    """The id of a serving of /w, and its server as an agent finds it."""
    await world.session()
    id_ = (await peer.call("serveFiles", vm="v", sessionId="s", paths=["/w"], write=True))["subscriptionId"]
    return id_, world.host.hub.file_servers.find("v", "s")


async def test_a_file_is_read_and_written(peer, served, nursery):
    id_, server = served
    assert [server.serves(path, changing=True) for path in ("/w/a", "/w", "/wide/a")] == [True, False, False]
    read = Result(nursery, functools.partial(server.read, "/w/a", 3, None))
    asked = (await peer.notification())["params"]
    request = {"requestId": asked["request"]["requestId"], "kind": "read", "path": "/w/a", "line": 3}
    assert asked == {"subscriptionId": id_, "vm": "v", "sessionId": "s", "request": request}
    answer = {"subscriptionId": id_, "requestId": request["requestId"], "content": "text"}
    assert await peer.call("respondFile", **answer) == {}
    assert await read.get() == "text"
    assert (await peer.error("respondFile", **answer))["data"]["code"] == "not_found"
    write = Result(nursery, functools.partial(server.write, "/w/a", "x"))
    asked = (await peer.notification())["params"]["request"]
    assert (asked["kind"], asked["content"]) == ("write", "x")
    await peer.call("respondFile", subscriptionId=id_, requestId=asked["requestId"])
    assert await write.get() is None


async def test_only_what_is_offered(world, peer):
    await world.session()
    offer = {"vm": "v", "sessionId": "s", "paths": ["/w"]}
    first = (await peer.call("serveFiles", **offer, write=False))["subscriptionId"]
    server = world.host.hub.file_servers.find("v", "s")
    assert [server.serves("/w/a", changing=changing) for changing in (False, True)] == [True, False]
    second = (await peer.call("serveFiles", **offer, read=False))["subscriptionId"]
    assert not world.host.hub.file_servers.find("v", "s").serves("/w/a", changing=False)
    await peer.call("unsubscribe", subscriptionId=second)
    assert world.host.hub.file_servers.find("v", "s") is server
    await peer.call("unsubscribe", subscriptionId=first)
    assert world.host.hub.file_servers.find("v", "s") is None
    assert (await peer.error("serveFiles", **{**offer, "sessionId": "none"}))["data"]["code"] == "session_not_found"
    mistake = {"subscriptionId": first, "requestId": "x", "content": "a", "error": "b"}
    assert (await peer.error("respondFile", **mistake))["data"]["errors"][0]["pointer"] == "/content"


@pytest.mark.parametrize(("answer", "why"), [({"error": "binary"}, "binary"), ({}, "no content of /w/a")])
async def test_what_is_not_read(peer, served, nursery, answer, why):
    id_, server = served
    read = Result(nursery, functools.partial(server.read, "/w/a", None, None))
    request = (await peer.notification())["params"]["request"]
    await peer.call("respondFile", subscriptionId=id_, requestId=request["requestId"], **answer)
    error = await read.get()
    assert isinstance(error, FileRefusedError)
    assert why in str(error)


async def test_a_file_that_is_too_large(peer, served, nursery, monkeypatch):
    monkeypatch.setattr(file_serving, "MAX_READ_BYTES", 8)
    id_, server = served
    read = Result(nursery, functools.partial(server.read, "/w/a", None, None))
    request = (await peer.notification())["params"]["request"]
    answer = {"subscriptionId": id_, "requestId": request["requestId"], "content": "ü" * 5}
    assert (await peer.error("respondFile", **answer))["data"]["code"] == "too_large"
    assert isinstance(await read.get(), FileRefusedError)


async def test_a_client_that_goes(world, nursery):
    await world.session()
    async with world.peer() as peer:
        await peer.call("serveFiles", vm="v", sessionId="s", paths=["/w"])
        server = world.host.hub.file_servers.find("v", "s")
        write = Result(nursery, functools.partial(server.write, "/w/a", "x"))
        await peer.notification()
    assert isinstance(await write.get(), FileServerGoneError)
    with pytest.raises(FileServerGoneError):
        await server.read("/w/a", None, None)
    assert world.host.hub.file_servers.find("v", "s") is None


async def test_a_client_that_does_not_answer_is_told_that_nobody_waits(peer, served, nursery, monkeypatch):
    id_, server = served
    monkeypatch.setattr(file_serving, "ANSWER_SECONDS", 0)
    read = Result(nursery, functools.partial(server.read, "/w/a", None, None))
    request = (await peer.notification())["params"]["request"]
    ended = await peer.notification()
    assert (ended["method"], ended["params"]["requestId"]) == ("fileRequestEnded", request["requestId"])
    assert isinstance(await read.get(), trio.TooSlowError)
    late = {"subscriptionId": id_, "requestId": request["requestId"], "content": "late"}
    assert (await peer.error("respondFile", **late))["data"]["code"] == "not_found"
