"""A program of a user's, never run: `mypy --strict` has to find in it what `assert_type` says, and the mistakes marked."""

from __future__ import annotations

from typing import Any, Literal, assert_type

import torpor
from runtime.client.generated.types import Modes, SessionDetails, VmInfo, VmStats


async def asynchronous() -> None:
    async with torpor.connect() as client:
        vm = client.vm.get_or_create("x", {"limits": {"memoryBytes": 1 << 20}, "labels": {"a": "b"}})
        assert_type(vm, torpor.Vm)
        session = await vm.create_session(
            "echo",
            env={"A": "b"},
            secrets={"KEY": {"fromHostEnv": "KEY"}, "OTHER": "value"},
            permission_policy={"default": "ask", "rules": [{"policy": "deny", "tool": "bash"}]},
        )
        assert_type(session, torpor.SessionInfo)
        assert_type(session.session_id, str)
        answer = await vm.send_prompt(session.session_id, "Hello", timeout_ms=1000)
        assert_type(answer, torpor.PromptResult)
        assert_type(await vm.cancel_prompt("s"), Literal["cancelled", "killed", "no_active_prompt"])
        assert_type(await vm.read_file("/a"), str | bytes)
        assert_type(await vm.read_file("/a", encoding="base64"), bytes)
        assert_type((await vm.exec(["ls"])).stdout, str | bytes)
        assert_type(await vm.spawn("ls"), int)
        assert_type(await vm.get(), VmInfo)
        assert_type((await vm.stats())["sessions"]["live"], int)
        assert_type(await vm.get_modes("s"), Modes | None)
        assert_type(await client.vm.list(), list[VmInfo])
        assert_type((await client.status())["epoch"], str)
        async with vm.connect("s") as subscription:
            assert_type(subscription, torpor.Subscription)
            async for event in subscription:
                assert_type(event, torpor.Notification)
        await vm.create_session("echo", cwd=5)  # type: ignore[arg-type]
        await vm.configure({"limit": {}})  # type: ignore[typeddict-unknown-key]
        await vm.no_such_method()  # type: ignore[attr-defined]


def synchronous() -> None:
    with torpor.connect_sync() as client:
        vm = client.vm.get_or_create("x", {"idleTimeoutMs": 1000})
        assert_type(vm, torpor.SyncVm)
        session = vm.create_session("echo", additional_directories=["/a"])
        assert_type(session, torpor.SessionInfo)
        assert_type(vm.send_prompt(session.session_id, "Hello"), torpor.PromptResult)
        assert_type(vm.list_sessions(), list[torpor.SessionRow])
        assert_type(vm.get_session("s"), SessionDetails)
        assert_type(vm.read_files(["/a"])[0].content, str | bytes | None)
        assert_type(vm.stats(), VmStats)
        assert_type(vm.diff("before", ("s", 3)).changes[0].path, str)
        assert_type(vm.raw_send("s", "x/y"), Any)
        assert_type(client.list_agents()[0]["installed"], bool)
        assert_type(client.discover(), dict[str, Any])
        vm.send_prompt("s", 5)  # type: ignore[arg-type]
        client.vm.get_or_create("x", {"limits": {"memoryBytes": "much"}})  # type: ignore[arg-type]
        vm.no_such_method()  # type: ignore[attr-defined]
