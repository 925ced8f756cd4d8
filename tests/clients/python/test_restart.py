"""A real daemon is killed and started again: what was subscribed to goes on, without a gap or a duplicate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

import torpor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from tests.system.daemon import Daemon

    Run = Callable[[Callable[[], Awaitable[Any]]], Any]

# Each way to connect once under each library is what two runs give.
pytestmark = pytest.mark.parametrize(("backend", "kind"), [("trio", "unix"), ("asyncio", "http")], indirect=["backend"])


def connect(daemon: Daemon, kind: str) -> Any:
    """A client of the daemon over this kind of endpoint."""
    if kind == "unix":
        return torpor.connect(daemon.socket)
    token = daemon.state.with_name("http-token").read_text().strip()
    return torpor.connect(daemon.url, token=token)  # type: ignore[attr-defined]


class Log:
    """What one connection has heard, by session."""

    def __init__(self) -> None:
        self.events: dict[str, list[tuple[int, Any]]] = {}
        self.changed = anyio.Event()

    def add(self, data: dict[str, Any]) -> None:
        self.events.setdefault(data["sessionId"], []).append((data["seq"], data["event"]))
        self.changed.set()
        self.changed = anyio.Event()

    async def until(self, session_id: str, seq: int) -> None:
        """Wait for an event."""
        while not self.events.get(session_id) or self.events[session_id][-1][0] < seq:
            await self.changed.wait()

    async def iterate(self, conn: torpor.Connection) -> None:
        """Take what comes by iterating."""
        async for event in conn:
            if event.method == "sessionEvent":
                self.add(event.params)


async def stored(agent: torpor.Vm, session_id: str, after: int = -1) -> list[tuple[int, Any]]:
    """The transcript."""
    events: list[torpor.SessionEvent] = []
    while page := await agent.get_session_events(session_id, after=events[-1].seq if events else after):
        events += page
    return [(event.seq, event.event) for event in events]


def test_subscriptions_go_on_after_a_kill(run: Run, daemon: Daemon, kind: str) -> None:
    async def talk(agent: torpor.Vm, session_id: str, prompt: str) -> None:
        with pytest.raises(torpor.ConnectionLostError):
            await agent.send_prompt(session_id, prompt)

    async def main() -> None:
        async with connect(daemon, kind) as client, connect(daemon, kind) as other:
            agent = client.vm.get_or_create("kept")
            for session_id in ("s", "t"):
                await agent.create_session("echo", session_id=session_id, env={"ECHO_LOAD": "1"})
            epoch = client.welcome["epoch"]
            one, whole, called = Log(), Log(), Log()
            session_conn = agent.connect("s", after=-1)
            vm_conn = agent.connect()
            callback_conn = agent.connect("t")
            callback_conn.on("sessionEvent", called.add)
            async with session_conn, vm_conn, callback_conn, anyio.create_task_group() as tasks:
                tasks.start_soon(one.iterate, session_conn)
                tasks.start_soon(whole.iterate, vm_conn)
                async with anyio.create_task_group() as turns:
                    turns.start_soon(talk, agent, "s", "stream 100000 1")
                    turns.start_soon(talk, agent, "t", "say first; sleep 60000")
                    await whole.until("t", 3)
                    await one.until("s", 40)
                    daemon.kill()
                await anyio.to_thread.run_sync(daemon.start)
                elsewhere = other.vm.get_or_create("kept")
                await other.link()
                await elsewhere.create_session("echo", session_id="u")  # while `client` may still be away
                for session_id in ("s", "t", "u"):
                    answer = await elsewhere.send_prompt(session_id, "say again")
                    await whole.until(session_id, answer.seq)
                    if session_id == "s":
                        await one.until("s", answer.seq)
                await called.until("t", whole.events["t"][-1][0])
                answer = await agent.send_prompt("s", "say live")
                await one.until("s", answer.seq)
                await whole.until("s", answer.seq)
                tasks.cancel_scope.cancel()
            assert client.welcome["epoch"] != epoch
            assert one.events == {"s": await stored(agent, "s")}
            assert called.events == {"t": await stored(agent, "t", called.events["t"][0][0] - 1)}
            for session_id in ("s", "t", "u"):
                first = whole.events[session_id][0][0]
                assert whole.events[session_id] == await stored(agent, session_id, first - 1)
            assert whole.events["u"][0][0] == 0

    run(main)


def test_calls_wait_for_the_daemon_and_gone_sessions_are_reported(run: Run, daemon: Daemon, kind: str) -> None:
    async def main() -> None:
        async with connect(daemon, kind) as client:
            agent = client.vm.get_or_create("kept")
            await agent.create_session("echo", session_id="s")
            async with agent.connect("s") as conn:
                assert await anyio.to_thread.run_sync(daemon.stop) == 0
                states = []
                async with anyio.create_task_group() as tasks:

                    async def ask() -> None:
                        states.append((await agent.get())["state"])

                    for _ in range(10):
                        tasks.start_soon(ask)
                    await anyio.wait_all_tasks_blocked()
                    assert states == []
                    await anyio.to_thread.run_sync(daemon.start)
                assert states == ["asleep"] * 10
                await agent.send_prompt("s", "say on")
                assert (await anext(conn)).seq is not None
                daemon.kill()
                daemon.state.unlink()
                for name in ("-wal", "-shm"):
                    daemon.state.with_name(daemon.state.name + name).unlink(missing_ok=True)
                await anyio.to_thread.run_sync(daemon.start)
                with pytest.raises(torpor.RpcError) as caught:
                    await Log().iterate(conn)
                assert caught.value.code == "vm_not_found"

    run(main)
