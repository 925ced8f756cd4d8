"""What is in no transcript, after a gap: the VM's state, permission requests that wait, and that there was a gap at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

import torpor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.daemon import Daemon

    Run = Callable[[Callable[[], Awaitable[Any]]], Any]

TYPES = ["vmState", "permissionRequest", "_torpor/agent_exit"]


class Gap:
    """Takes the daemon's socket away from who connects anew; who is connected stays so."""

    def __init__(self, daemon: Daemon) -> None:
        self._path = daemon.socket
        self._away = daemon.socket.with_name("away")

    def begin(self, client: torpor.Client) -> None:
        self._path.rename(self._away)
        assert client._link is not None
        client._link.close()

    def end(self) -> None:
        self._away.rename(self._path)


async def until(conn: torpor.Connection, method: str) -> torpor.Notification:
    """The next notification of this method; anything else is none of those that the test asked for."""
    notification = await anext(conn)
    assert notification.method == method
    return notification


@pytest.mark.parametrize("whole", [True, False], ids=["vm", "session"])
def test_what_waits_is_told_after_a_gap(run: Run, daemon: Daemon, whole: bool) -> None:
    gap = Gap(daemon)

    async def main() -> None:
        async with torpor.connect(daemon.socket) as client, torpor.connect(daemon.socket) as other:
            agent, elsewhere = client.vm.get_or_create("gap"), other.vm.get_or_create("gap")
            heard: list[tuple[str, dict[str, Any]]] = []
            client.on("disconnected", lambda params: heard.append(("disconnected", params)))
            client.on("reconnected", lambda params: heard.append(("reconnected", params)))
            await elsewhere.create_session("echo", session_id="s")
            async with agent.connect(None if whole else "s", types=TYPES) as conn, anyio.create_task_group() as turns:
                gap.begin(client)
                turns.start_soon(elsewhere.send_prompt, "s", "permission Title")
                while not (pending := (await elsewhere.get_session("s"))["pendingPermissions"]):  # noqa: ASYNC110
                    await anyio.sleep(0.01)
                assert [name for name, _ in heard] == ["disconnected"]
                gap.end()
                state = await until(conn, "vmState")
                assert (state.params["state"], state.params["reason"]) == ("awake", "reconnected")
                request = await until(conn, "permissionRequest")
                assert (request.session_id, request.params["request"]) == ("s", pending[0])
                assert [name for name, _ in heard] == ["disconnected", "reconnected"]
                assert heard[1][1] == {"epoch": client.welcome["epoch"], "restarted": False}
                gap.begin(client)
                gap.end()
                assert (await until(conn, "vmState")).params["reason"] == "reconnected", "and the request is known"
                await agent.respond_permission("s", pending[0]["permissionId"], "once")
                await elsewhere.sleep()
                assert (await until(conn, "vmState")).params["state"] == "asleep"

    run(main)


def test_who_comes_late_is_told_of_what_waits(run: Run, daemon: Daemon) -> None:
    async def main() -> None:
        async with torpor.connect(daemon.socket) as client:
            agent = client.vm.get_or_create("late")
            await agent.create_session("echo", session_id="s")
            async with agent.connect(types=TYPES) as first, anyio.create_task_group() as turns:
                turns.start_soon(agent.send_prompt, "s", "permission Title")
                asked = await until(first, "permissionRequest")
                for session_id in (None, "s"):
                    async with agent.connect(session_id, types=TYPES) as conn:
                        again = await until(conn, "permissionRequest")
                    assert again.params["request"] == asked.params["request"]
                await agent.respond_permission("s", asked.params["request"]["permissionId"], "reject")

    run(main)


def test_a_restart_of_the_daemon_is_told(run: Run, daemon: Daemon) -> None:
    async def main() -> None:
        async with torpor.connect(daemon.socket) as client:
            agent = client.vm.get_or_create("restarted")
            reconnected = anyio.Event()
            about: list[dict[str, Any]] = []

            async def tell(params: dict[str, Any]) -> None:
                about.append(params)
                assert (await agent.get())["state"] == "asleep", "calls are served"
                reconnected.set()

            client.on("reconnected", tell)
            await agent.create_session("echo", session_id="s")
            async with agent.connect(types=TYPES) as conn:
                with pytest.raises(torpor.RpcError):
                    await agent.send_prompt("s", "exit 3")
                await until(conn, "sessionEvent")
                epoch = client.welcome["epoch"]
                await anyio.to_thread.run_sync(daemon.restart)
                state = await until(conn, "vmState")
                assert (state.params["vm"], state.params["state"], state.params["reason"]) == (
                    "restarted",
                    "asleep",
                    "reconnected",
                )
            await reconnected.wait()
            assert about == [{"epoch": client.welcome["epoch"], "restarted": True}]
            assert about[0]["epoch"] != epoch

    run(main)


def test_a_callback_that_fails_ends_the_client(run: Run, daemon: Daemon) -> None:
    async def main() -> None:
        def fail(_params: dict[str, Any]) -> None:
            raise ValueError("a mistake of the program's")

        with pytest.RaisesGroup(ValueError):
            async with torpor.connect(daemon.socket) as client:
                client.on("disconnected", fail)
                await client.status()
                daemon.kill()
                await anyio.sleep_forever()

    run(main)
