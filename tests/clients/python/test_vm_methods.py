"""What both Python clients make of files, their past and processes: the same calls with and without `await`, to a daemon."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import torpor
from runtime.client.client import connect
from runtime.client.generated.daemon import DaemonMethods
from runtime.client.sync import connect as connect_sync
from runtime.client.sync_vm import Vms as SyncVms
from runtime.client.vm import Vms
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.daemon import Daemon

ROOT = Path(__file__).parents[3]
CAT = (Path(__file__).parents[2] / "guests" / "dist" / "copy_stdin.wasm").read_bytes()
BYTES = bytes(range(256))


async def use(vm: Any) -> None:
    """Go through the methods; `vm` is a handle of the asynchronous client, or one of the other in `Awaited`."""
    done = await vm.write_files({"/d/a": "first", "/d/b": BYTES, "relative": "x"})
    assert [each.error and each.error.code for each in done] == [None, None, "invalid_argument"]
    found = await vm.read_files(["/d/a", "/d/b", "/no"])
    assert [each.content for each in found] == ["first", BYTES, None]
    assert found[2].error.code == "not_found"
    assert (await vm.read_files(["/d/a"], encoding="base64"))[0].content == b"first"
    assert [entry.name for entry in await vm.readdir_entries("/d")] == ["a", "b"]
    assert [entry.name for entry in await vm.readdir_entries("/d", after="a", limit=1)] == ["b"]
    assert [
        entry.path for entry in await vm.readdir_recursive("/", max_depth=2, exclude=["bin", "etc", "home", "tmp"])
    ] == [
        *("/d", "/d/a", "/d/b", "/root"),
    ]
    await vm.write_file("/d/a", "st", create_parents=False, offset=3)
    await vm.write_file("/d/b", BYTES[7:], offset=7)
    assert (await vm.read_file("/d/a"), await vm.read_file("/d/b", offset=250)) == ("first", BYTES[250:])
    snapshot = await vm.snapshot("s")
    assert (snapshot.name, [each.name for each in await vm.list_snapshots()]) == ("s", ["s"])
    await vm.move("/d/a", "/d/c")
    await vm.symlink("c", "/d/link")
    assert await vm.readlink("/d/link") == "c"
    await vm.chmod("/d/b", 0o600)
    await vm.truncate("/d/b", 3)
    diff = await vm.diff("s")
    assert [(each.path, each.change) for each in diff.changes] == [
        *[("/d/a", "removed"), ("/d/b", "modified"), ("/d/c", "added"), ("/d/link", "added")],
    ]
    assert (diff.from_.name, diff.to, diff.changes[1].before.size, diff.changes[1].after.size) == ("s", None, 256, 3)
    assert (await vm.restore("s", force=True)).name == "s"
    assert await vm.read_file("/d/a") == "first"
    await vm.delete_snapshot("s")

    await vm.write_file("/bin/cat", CAT)
    result = await vm.exec(["cat"], stdin="in")
    assert (result.exit_code, result.stdout, result.reason) == (0, "in", "exit")
    assert (await vm.exec("cat", stdin=BYTES, cwd="/d", env={"A": "b"}, timeout_ms=60_000)).stdout == BYTES
    pid = await vm.spawn("cat")
    await vm.write_process_stdin(pid, "one ")
    await vm.write_process_stdin(pid, b"two")
    assert (await vm.get_process(pid)).state == "running"
    await vm.close_process_stdin(pid)
    assert (await vm.wait_process(pid, timeout_ms=60_000)).stdout == "one two"
    info = await vm.get_process(pid, output=True)
    assert (info.state, info.stdout, info.argv) == ("ended", "one two", ["cat"])
    assert (await vm.stop_process(await vm.spawn(["cat"]), grace_ms=1000)).reason == "exit"
    assert (await vm.kill_process(await vm.spawn(["cat"]))).exit_code is None
    assert {each.state for each in await vm.list_processes()} == {"ended"}
    with pytest.raises(torpor.RpcError) as caught:
        await vm.exec("cat | cat")
    assert (caught.value.code, caught.value.data["operator"]) == ("invalid_argument", "|")
    session = await vm.create_session("echo")
    seq = (await vm.send_prompt(session.session_id, "fswrite x y")).seq
    *_, point = await vm.list_snapshots(session.session_id)  # there may be one of the start of the turn, too
    assert (point.session_id, point.seq) == (session.session_id, seq)
    assert (await vm.diff((session.session_id, seq))).changes == []
    await vm.destroy()


class Awaited:
    """A handle without `await`, for code with it."""

    def __init__(self, vm: torpor.SyncVm) -> None:
        self._vm = vm

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **options: Any) -> Any:
            return getattr(self._vm, name)(*args, **options)

        return call


def test_with_await(run: Callable[[Callable[[], Awaitable[Any]]], Any], daemon: Daemon) -> None:
    async def main() -> None:
        async with connect(daemon.socket) as client:
            await use(client.vm.get_or_create("vm", {"base": "none"}))

    run(main)


async def test_without_await(daemon: Daemon) -> None:
    with connect_sync(daemon.socket) as client:
        await use(Awaited(client.vm.get_or_create("vm", {"base": "none"})))
        assert client.vm.list() == []


def test_a_synchronous_handle(daemon: Daemon) -> None:
    with connect_sync(daemon.socket) as client:
        with pytest.raises(torpor.RpcError, match="no VM"):
            client.vm.get("vm").stats()
        vm = client.vm.get_or_create(["a", "b"], {"labels": {"x": "y"}})
        assert vm.name == ["a", "b"]
        assert vm.get()["options"] == {"labels": {"x": "y"}}
        assert [each["vm"] for each in client.vm.list()] == [["a", "b"]]
        session = vm.create_session("echo")
        assert vm.send_prompt(session.session_id, "say hello").text == "hello"
        with pytest.raises(torpor.RpcError) as caught:
            vm.raw_send(session.session_id, "no/such", {"params": 1})
        assert caught.value.code == "agent_error"
        subscription = vm.subscribe(session.session_id, after=-1)["subscriptionId"]
        seen = list(client.notifications(timeout=0))
        assert vm.send_prompt(session.session_id, "say more").text == "more"
        seen += client.notifications(timeout=0)
        assert [each.text for each in seen if each.type == "agent_message_chunk"] == ["hello", "more"]
        client.unsubscribe(subscription)
        assert client.status()["subscriptions"] == 0
        assert "echo" in [agent["id"] for agent in client.list_agents()]
        vm.destroy()


def test_both_clients_have_the_same_methods() -> None:
    def methods(kind: type) -> set[str]:
        return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}

    assert methods(torpor.Vm) - methods(torpor.SyncVm) == {"connect"}
    assert methods(torpor.SyncVm) - methods(torpor.Vm) == {"subscribe", "serve_files"}
    assert methods(Vms) == methods(SyncVms)
    assert methods(DaemonMethods) <= methods(torpor.SyncClient)


def test_the_generated_methods_are_fresh() -> None:
    subprocess.run([sys.executable, ROOT / "build" / "python_clients.py", "--check"], check=True, timeout=WAIT)
