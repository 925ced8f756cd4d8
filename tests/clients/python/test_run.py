"""One call for the common thing, and errors as programs meet them."""

from __future__ import annotations

import traceback

import anyio
import pytest

import torpor


def test_an_agent_answers_in_a_session_that_is_closed_then(daemon):
    with torpor.vm("one-call", place=daemon.socket) as vm:
        assert vm.run("echo", "say hello").text == "hello"
        answer = vm.run("echo", "permission Delete it", env={"A": "b"}, mode="code", model="large")
        assert "reject" in answer.text
        answer = vm.run(
            "echo", [{"type": "text", "text": "permission Delete it"}], permission_policy="allow", cwd="/work"
        )
        assert "allow" in answer.text
        rows = vm.list_persisted_sessions()
        assert [row.status for row in rows] == ["closed", "closed", "closed"]
        assert rows[2].cwd == "/work"
        with pytest.raises(torpor.RpcError) as caught:
            vm.run("none", "hello")
        assert caught.value.code == "agent_not_found"
        with pytest.raises(torpor.RpcError) as caught:
            vm.run("echo", "sleep 60000", timeout_ms=1)
        assert caught.value.code == "timeout"


def test_the_same_without_blocking(run, daemon):
    async def main():
        async with torpor.connect(daemon.socket) as client:
            answer = await client.vm.get_or_create("one-call-async").run(
                "echo", "say hello", mode="code", model="large"
            )
            assert answer.text == "hello"
            assert [row.status for row in await client.vm.get("one-call-async").list_persisted_sessions()] == ["closed"]

    run(main)


def test_one_that_is_given_up_closes_its_session(run, daemon):
    async def main():
        async with torpor.connect(daemon.socket) as client:
            vm = client.vm.get_or_create("given-up")
            async with vm.connect() as conn, anyio.create_task_group() as tasks:
                tasks.start_soon(vm.run, "echo", "sleep 60000")
                async for event in conn:
                    if event.type == "user_message_chunk":
                        break
                tasks.cancel_scope.cancel()
            assert [row.status for row in await vm.list_persisted_sessions()] == ["closed"]

    run(main)


def test_calls_that_fail_for_one_reason_have_tracebacks_of_their_own(run, daemon):
    frames: list[list[str]] = []

    async def first(vm):
        with pytest.raises(torpor.ConnectionLostError) as caught:
            await vm.send_prompt("s", "sleep 60000")
        frames.append([frame.name for frame in traceback.extract_tb(caught.value.__traceback__)])

    async def second(vm):
        with pytest.raises(torpor.ConnectionLostError) as caught:
            await vm.send_prompt("t", "sleep 60000")
        frames.append([frame.name for frame in traceback.extract_tb(caught.value.__traceback__)])

    async def main():
        async with torpor.connect(daemon.socket, patience=0) as client:
            vm = client.vm.get_or_create("lost")
            conn = vm.connect()
            async with conn, anyio.create_task_group() as tasks:
                for session in ("s", "t"):
                    await vm.create_session("echo", session_id=session)
                tasks.start_soon(first, vm)
                tasks.start_soon(second, vm)
                begun = set()
                async for event in conn:
                    if event.type == "user_message_chunk":
                        begun.add(event.session_id)
                    if begun == {"s", "t"}:
                        break
                daemon.kill()

    run(main)
    assert sorted(names[0] for names in frames) == ["first", "second"]
    assert all(not {"first", "second"} <= set(names) for names in frames)


def test_every_error_has_a_code():
    lost, absent = torpor.ConnectionLostError("gone"), torpor.ConnectError("/s", "there is no socket")
    assert [(error.code, error.retryable) for error in (lost, absent)] == [
        ("connection_lost", True),
        ("connect_failed", True),
    ]
    bare = torpor.RpcError(-32602, "bad")
    assert (bare.code, bare.rpc_code, bare.retryable) == ("invalid_params", -32602, False)
    told = torpor.RpcError(-32000, "no", {"code": "vm_not_found", "retryable": False})
    assert (told.code, told.again().code, str(told.again())) == ("vm_not_found", "vm_not_found", "no")
