from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import torpor
from runtime.api.endpoint import EndpointError
from runtime.client import sync
from runtime.client.sync import ClientError, ConnectError, ConnectionLostError, RpcError, connect
from tests.patience import WAIT


@pytest.fixture
def client(socket_path):
    with connect(socket_path) as connected:
        yield connected


@pytest.fixture
def session(client):
    client.call("vm.getOrCreate", vm="v")
    return {"vm": "v", "sessionId": client.call("createSession", vm="v", agentType="echo")["sessionId"]}


def test_calls_and_errors(client):
    assert client.call("hello", client="test")["protocol"] == 1
    with pytest.raises(RpcError) as caught:
        client.call("vm.get", vm="missing")
    assert (caught.value.rpc_code, caught.value.code, caught.value.retryable) == (-32000, "vm_not_found", False)
    with pytest.raises(RpcError) as caught:
        client.call("vm.get")
    assert caught.value.data["errors"] == [{"pointer": "/vm", "message": "missing"}]


def test_params_may_have_the_names_of_arguments(client, session):
    assert client.call("rawSend", **session, method="x/y", params={"a": 1}) == {"method": "x/y", "params": {"a": 1}}


def test_notifications_of_a_turn_come_before_its_answer(client, session):
    client.call("subscribe", **session)
    turn = client.start("sendPrompt", **session, prompt="say a b c")
    with pytest.raises(RuntimeError):
        turn.result()
    seen = [n.params["seq"] for n in client.notifications(until=turn)]
    assert seen == [0, 1, 2, 3]
    assert turn.result()["text"] == "abc"
    assert list(client.notifications(timeout=0)) == []


def test_notifications_that_come_during_a_call_are_kept_up_to_a_bound(client, session, monkeypatch):
    client.call("subscribe", **session)
    client.call("sendPrompt", **session, prompt="say a b")
    assert len(list(client.notifications(timeout=0))) == 3
    monkeypatch.setattr(sync, "MAX_QUEUED", 10)
    with pytest.raises(ClientError, match="wait to be read"):
        client.call("sendPrompt", **session, prompt="burst 20")


def test_a_request_can_be_given_up(client, session):
    turn = client.start("sendPrompt", **session, prompt="hang")
    assert not client.wait(turn, timeout=0)
    client.cancel(turn)
    assert client.wait(turn, timeout=WAIT)
    with pytest.raises(RpcError) as caught:
        turn.result()
    assert (caught.value.rpc_code, caught.value.code) == (-32800, "cancelled")
    assert client.call("cancelPrompt", **session) == {"outcome": "cancelled"}


def test_many_large_requests_do_not_lock_up_against_their_answers(client):
    client.call("vm.getOrCreate", vm="v")
    client.call("writeFile", vm="v", path="/big", content="x" * 1_000_000)
    reads = [client.start("readFile", vm="v", path="/big") for _ in range(20)]
    writes = [client.start("writeFile", vm="v", path="/w", content="y" * 1_000_000) for _ in range(20)]
    assert all(client.wait(pending, timeout=WAIT) for pending in [*reads, *writes])
    assert all(len(pending.result()["content"]) == 1_000_000 for pending in reads)


def test_a_string_that_is_no_unicode_text_leaves_the_connection_usable(client):
    with pytest.raises(UnicodeEncodeError):
        client.call("vm.get", vm="\udcff")
    assert client.call("hello")


def test_nobody_there(socket_path):
    with pytest.raises(ConnectError, match="there is no socket"):
        connect("/nowhere/t.sock", autostart=False)
    path = socket_path.with_name("dead.sock")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(ConnectError, match="refused"):
        connect(f"unix://{path}", autostart=False)


@pytest.mark.parametrize("line", [b"{", b"null", b"[]", b"5", b'"\xff"', b"[" * 9999])
def test_what_does_not_send_messages_is_no_daemon(line):
    here, there = socket.socketpair()
    with sync.Client(here) as client, there:
        there.sendall(line + b"\n")
        with pytest.raises(ConnectionLostError, match="is no daemon"):
            client.call("hello")


def test_a_daemon_that_dies_is_a_lost_connection():
    here, there = socket.socketpair()
    client = sync.Client(here)
    with client, there:
        thread = threading.Thread(target=lambda: (there.recv(1000), there.close()))
        thread.start()
        with pytest.raises(ConnectionLostError):
            client.call("hello")
        thread.join()
        with pytest.raises(ConnectionLostError):
            client.call("hello")


def test_an_error_of_the_connection_itself_is_raised():
    here, there = socket.socketpair()
    with sync.Client(here) as client, there:
        there.sendall(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"full","data":{"code":"busy"}}}\n')
        with pytest.raises(RpcError, match="full"):
            client.call("hello")


def test_the_daemons_pid(client):
    assert client.daemon_pid == client.call("daemon.status")["pid"]


def test_http_is_for_the_other_client():
    with pytest.raises(EndpointError, match="asynchronous"):
        connect("http://localhost:6420")


def test_the_public_face(socket_path):
    assert torpor.connect_sync is connect
    assert torpor.SyncClient is sync.Client
    assert torpor.RpcError is RpcError
    assert all(hasattr(torpor, name) for name in torpor.__all__)
    assert set(torpor.__all__) <= set(dir(torpor))
    with pytest.raises(AttributeError):
        torpor.nothing  # noqa: B018
    code = """
import sys, torpor
heavy = {"runtime.client.sync", "json", "socket", "trio", "msgspec", "attrs"} & set(sys.modules)
assert not heavy, heavy
with torpor.connect_sync(sys.argv[1]) as client:
    client.call("hello")
heavy = {"anyio", "trio", "msgspec", "attrs", "attr", "wasmtime", "dataclasses", "inspect", "asyncio"} & set(sys.modules)
assert not heavy, heavy
"""
    root = Path(torpor.__file__).parent.parent
    program = f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"
    subprocess.run([sys.executable, "-P", "-S", "-c", program, socket_path], check=True, timeout=WAIT)
