"""The asynchronous client under trio and asyncio, over the Unix socket and over HTTP, against a daemon without VMs."""

from __future__ import annotations

import inspect
import itertools

import anyio
import pytest

import torpor
from runtime.api.methods import METHODS
from runtime.client import client as client_module
from runtime.client.client import connect

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
            assert (caught.value.rpc_code, caught.value.code, caught.value.retryable) == (-32000, "vm_not_found", False)
            with pytest.raises(UnicodeEncodeError):
                await client.call("vm.get", vm="\udcff")

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
            assert caught.value.code == "vm_conflict"
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
            assert caught.value.code == "session_closed"
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


def test_every_method_of_the_api_is_there():
    elsewhere = {"hello", "subscribe", "unsubscribe"}  # of the connection: done by `connect`
    elsewhere |= {"serveFiles", "respondFile"}  # of the connection, and for who listens to it
    of_client = {"daemon.status": "status", "rpc.discover": "discover", "vm.list": "vm.list"}
    of_client |= {"daemon.rotateKey": "rotate_key", "vm.getOrCreate": "vm.get_or_create", "listAgents": "list_agents"}
    of_client |= {"vm.import": "vm.import_"}
    of_client |= {f"{verb}Command": f"{verb}_command" for verb in ("add", "remove")} | {"listCommands": "list_commands"}
    of_client |= {f"{verb}Agent": f"{verb}_agent" for verb in ("add", "check", "remove")}
    for method in METHODS.values():
        if method.name in elsewhere:
            continue
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in method.name)
        snake = of_client.get(method.name, snake.removeprefix("vm."))
        place = torpor.Client if method.name in of_client else torpor.Vm
        if snake.startswith("vm."):
            place, snake = client_module.Vms, snake.removeprefix("vm.")
        assert inspect.isfunction(getattr(place, snake, None)), method.name
