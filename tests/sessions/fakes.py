"""A VM whose agents are trio tasks: the smallest things that sessions can tell from the real ones."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
import pytest
import trio

from runtime.api import sessions as api
from runtime.api.errors import ApiError, ErrorCode
from runtime.budget import Budget
from runtime.hub import Hub, Notice
from runtime.sessions.manager import Sessions, open_sessions
from runtime.vms.lines import Lines
from runtime.vms.options import VmOptions
from tests.settled import settled, until

if TYPE_CHECKING:
    from runtime.store import Store

Handler = Callable[["FakeAgent", dict[str, Any]], Awaitable[Any]]
MODES = {"currentModeId": "ask", "availableModes": [{"id": "ask", "name": "Ask"}, {"id": "code", "name": "Code"}]}


def option(id_: str, value: Any, category: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "name": id_,
        "type": "select",
        "category": category,
        "currentValue": value,
        "options": [],
        **more,
    }


@attrs.frozen
class Exit:
    code: int | None
    reason: str = "exit"
    message: str = ""


class FakeProcess:
    """Two pipes out, one in, an end."""

    def __init__(self, pid: int, argv: list[str], env: dict[str, str], cwd: str, *, merged: bool = False) -> None:
        self.pid, self.argv, self.env, self.cwd = pid, argv, env, cwd
        self.fuel_used = 0
        self.peak_memory_bytes = 0
        self.status: Exit | None = None
        self.ended = trio.Event()
        self.scope = trio.CancelScope()
        self.reads_stdin = True
        self.stdin_in, self.stdin = trio.open_memory_channel[bytes](1000)
        self.stdout, self.stdout_out = trio.open_memory_channel[bytes](1)
        self.stderr, self.stderr_out = trio.open_memory_channel[bytes](1)
        if merged:
            self.stderr, self.stderr_out = self.stdout, self.stdout_out

    def offer(self, data: bytes) -> bytes:
        if not self.reads_stdin:
            return data
        if self.status is not None:
            raise trio.BrokenResourceError
        self.stdin_in.send_nowait(data)
        return b""

    async def send(self, data: bytes) -> None:
        if not self.reads_stdin:
            await self.ended.wait()
        if self.status is not None:
            raise trio.BrokenResourceError
        await self.stdin_in.send(data)

    def end_input(self) -> None:
        self.stdin_in.close()

    async def receive(self) -> bytes:
        return await self._next(self.stdout_out)

    async def receive_stderr(self) -> bytes:
        return await self._next(self.stderr_out)

    async def wait(self) -> Exit:
        await self.ended.wait()
        assert self.status is not None
        return self.status

    @property
    def signal(self) -> str | None:
        return "SIGKILL" if self.status is not None and self.status.code is None else None

    def kill(self) -> None:
        self.finish(Exit(None, "killed", "killed"))

    def finish(self, status: Exit) -> None:
        if self.status is None:
            self.status = status
            self.scope.cancel()
            self.stdin_in.close()
            self.stdout.close()
            self.stderr.close()
            self.ended.set()

    async def _next(self, channel: trio.MemoryReceiveChannel[bytes]) -> bytes:
        try:
            return await channel.receive()
        except trio.EndOfChannel:
            return b""


class RpcFailError(Exception):
    """Raised by a handler: the error that the agent answers."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.wire = {"code": code, "message": message, **({} if data is None else {"data": data})}


class FakeAgent:
    """An ACP agent. What it does on a request is `vm.behaviour[method]`."""

    def __init__(self, vm: FakeVm, process: FakeProcess) -> None:
        self.vm, self.process = vm, process
        self.session_id = f"agent-{process.pid}"
        self.cancelled = trio.Event()
        self.received: list[tuple[str, Any]] = []
        self.answers: dict[Any, trio.Event] = {}
        self.results: dict[Any, dict[str, Any]] = {}
        self.next_id = 0

    async def run(self) -> None:
        with self.process.scope:
            async with trio.open_nursery() as nursery:
                buffer = b""
                async for data in self.process.stdin:
                    *lines, buffer = (buffer + data).split(b"\n")
                    for line in lines:
                        self._take(json.loads(line), nursery)
        if self.process.status is None:
            self.process.finish(Exit(0))

    def _take(self, message: dict[str, Any], nursery: trio.Nursery) -> None:
        if "method" not in message:
            self.results[message.get("id")] = message
            self.answers.setdefault(message.get("id"), trio.Event()).set()
            return
        method, params = message["method"], message.get("params")
        self.received.append((method, params))
        self.vm.prompted += method == "session/prompt"
        if method == "session/cancel":
            self.cancelled.set()
        if "id" in message:
            nursery.start_soon(self._serve, message["id"], method, params)

    async def _serve(self, id_: Any, method: str, params: Any) -> None:
        handler = self.vm.behaviour.get(method)
        if handler is None:
            await self.write({"jsonrpc": "2.0", "id": id_, "error": {"code": -32601, "message": f"no {method}"}})
            return
        try:
            result = await handler(self, params)
        except RpcFailError as error:
            await self.write({"jsonrpc": "2.0", "id": id_, "error": error.wire})
        else:
            await self.write({"jsonrpc": "2.0", "id": id_, "result": result})

    async def write(self, message: Any) -> None:
        await self.raw(json.dumps(message).encode() + b"\n")

    async def raw(self, data: bytes) -> None:
        await self.process.stdout.send(data)

    async def log(self, text: str) -> None:
        await self.process.stderr.send(text.encode())

    async def update(self, kind: str, **members: Any) -> None:
        params = {"sessionId": self.session_id, "update": {"sessionUpdate": kind, **members}}
        await self.write({"jsonrpc": "2.0", "method": "session/update", "params": params})

    async def say(self, text: str) -> None:
        await self.update("agent_message_chunk", content={"type": "text", "text": text})

    async def request(self, method: str, id_: Any = None, **params: Any) -> dict[str, Any]:
        """Send a request and return the whole answer."""
        if id_ is None:
            id_, self.next_id = f"a{self.next_id}", self.next_id + 1
        done = self.answers[id_] = trio.Event()
        params = {"sessionId": self.session_id, **params}
        await self.write({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})
        await done.wait()
        return self.results.pop(id_)

    async def exit(self, code: int | None, reason: str = "exit") -> None:
        self.process.finish(Exit(code, reason, f"{reason} {code}"))
        await trio.sleep_forever()


class FakeFiles:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.directories: set[str] = set()

    async def read_file(self, path: str) -> bytes:
        await trio.lowlevel.checkpoint()
        if path not in self.files:
            raise ApiError(ErrorCode.NOT_FOUND, f"{path} does not exist", path=path)
        return self.files[path]

    async def read_lines(self, path: str, first: int | None, limit: int | None) -> bytes:
        lines = Lines.of(first, limit)
        lines.take(await self.read_file(path))
        return lines.content

    async def write_file(self, path: str, data: bytes, create_parents: bool = True) -> None:
        await trio.lowlevel.checkpoint()
        if path.startswith("/etc/"):
            raise ApiError(ErrorCode.READ_ONLY, f"{path} is read-only")
        self.files[path] = data

    @contextlib.asynccontextmanager
    async def held_direct(self, path: str, *, changing: bool) -> AsyncIterator[str | None]:
        assert path.startswith("/work/")
        yield None if "link" in path else path

    async def write_own_file(self, path: str, data: bytes) -> None:
        await self.write_file(path, data)

    async def mkdir(self, path: str, recursive: bool = False) -> None:
        self.directories.add(path)


@attrs.frozen
class Spec:
    id: str
    program: str = "component"
    args: tuple[str, ...] = ("--acp",)
    env: dict[str, str] = attrs.field(factory=lambda: {"FROM_MANIFEST": "1"})


class Catalogue:
    def get(self, agent_type: str) -> Spec:
        if agent_type != "fake":
            raise ApiError(ErrorCode.AGENT_NOT_FOUND, f"no agent {agent_type}")
        return Spec(agent_type)


class FakeVm:
    """Implements `runtime.sessions.ports.VmServices`."""

    def __init__(self, store: Store, nursery: trio.Nursery) -> None:
        self.name = "vm"
        self.store, self.nursery = store, nursery
        self.hub = Hub()
        self.agent_budget = Budget(2**40)
        self.files, self.agents = FakeFiles(), Catalogue()
        self.behaviour: dict[str, Handler] = {
            "initialize": initialize,
            "session/new": new_session,
            "session/prompt": echo,
        }
        self.capabilities: dict[str, Any] = {}
        self.commands: dict[str, Callable[[FakeProcess], Awaitable[None]]] = {}
        self.running: list[FakeAgent] = []
        self.started: list[FakeAgent] = []
        self.prompted = 0
        self.flushes = 0
        self.snapshots: list[tuple[int, int]] = []
        self.flush_error: ApiError | None = None
        self.notices: list[Notice] = []
        self.hub.attach(self.name, self.notices.append)
        self.sessions: Sessions
        self.secrets: dict[str, dict[str, str]] = {}

    async def spawn(
        self,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        *,
        agent: Any = None,
        merged: bool = False,
        **options: Any,
    ) -> FakeProcess:
        await trio.lowlevel.checkpoint()
        process = FakeProcess(len(self.started) + 1, list(argv), dict(env), cwd, merged=merged)
        if agent is None:
            if argv[0] not in self.commands:
                raise ApiError(ErrorCode.NOT_FOUND, f"no command {argv[0]}")
            self.nursery.start_soon(self._command, self.commands[argv[0]], process)
            return process
        fake = FakeAgent(self, process)
        self.started.append(fake)
        self.nursery.start_soon(self._agent, fake)
        return process

    async def _agent(self, agent: FakeAgent) -> None:
        self.running.append(agent)
        try:
            await agent.run()
        finally:
            self.running.remove(agent)

    async def _command(self, command: Callable[[FakeProcess], Awaitable[None]], process: FakeProcess) -> None:
        with process.scope:
            await command(process)
            process.finish(Exit(0))

    async def flush_files(self) -> None:
        await trio.lowlevel.checkpoint()
        self.flushes += 1
        if self.flush_error is not None:
            raise self.flush_error

    def snapshot(self, session: int, seq: int, *, changed_only: bool = False) -> None:
        self.snapshots.append((session, seq))

    output_bytes = 4 * 1024 * 1024
    transcript_limits = VmOptions().transcript_limits

    def touch(self) -> None:
        pass

    @property
    def agent(self) -> FakeAgent:
        """The one that was started last."""
        return self.started[-1]

    async def events(self, session_id: str) -> list[dict[str, Any]]:
        """The committed events, checked for what holds of every transcript."""
        record = self.store.vms.get(self.name)
        assert record is not None
        row = self.store.sessions.get(record.row, session_id)
        assert row is not None
        stored = await self.store.transcript.history(row.row)
        assert [event.seq for event in stored] == list(range(len(stored)))
        events = [json.loads(event.body) for event in stored]
        assert all(event["params"]["sessionId"] == session_id for event in events)
        assert all(set(event) == {"jsonrpc", "method", "params"} for event in events)
        return events

    async def log(self, session_id: str) -> list[str]:
        """The events' types."""
        return [
            event["params"].get("update", {}).get("sessionUpdate", event["method"])
            for event in await self.events(session_id)
        ]

    @contextlib.asynccontextmanager
    async def awake(self) -> AsyncIterator[Sessions]:
        async with open_sessions(self, self.secrets) as self.sessions:
            yield self.sessions


async def never(agent: FakeAgent, params: dict[str, Any]) -> Any:
    await trio.sleep_forever()


async def until_cancelled(agent: FakeAgent, params: dict[str, Any]) -> Any:
    await agent.say("working")
    await agent.cancelled.wait()
    await agent.say(" stopped")
    return {"stopReason": "cancelled"}


class Prompting:
    """A prompt under way in the background, and what came of it."""

    def __init__(self, vm: FakeVm, session_id: str, text: str = "hello", **options: Any) -> None:
        self.vm, self.session_id, self.text, self.options = vm, session_id, text, options
        self.result: dict[str, Any] | None = None
        self.error: ApiError | None = None
        self.done = trio.Event()

    async def run(self) -> None:
        try:
            self.result = await self.vm.sessions.prompt(self.session_id, self.text, **self.options)
        except ApiError as error:
            self.error = error
        self.done.set()


async def start(vm: FakeVm, nursery: trio.Nursery, session_id: str, **options: Any) -> Prompting:
    """Send a prompt, and come back once an agent has it."""
    before = vm.prompted
    prompting = Prompting(vm, session_id, **options)
    nursery.start_soon(prompting.run)
    await until(lambda: vm.prompted > before or prompting.done.is_set())
    await settled()
    return prompting


@contextlib.contextmanager
def failing(code: ErrorCode) -> Iterator[dict[str, Any]]:
    """Expect an `ApiError`; gives its data, `message` included."""
    data: dict[str, Any] = {}
    with pytest.raises(ApiError) as caught:
        yield data
    assert caught.value.code is code, caught.value
    data.update(caught.value.data, message=caught.value.message)


def create_options(options: dict[str, Any]) -> api.SessionOptions:
    """Options of `createSession`, from the API's own form."""
    return msgspec.convert(options, api.SessionOptions)


def resume_options(options: dict[str, Any]) -> api.ResumeOptions:
    """Options of `resumeSession`, from the API's own form."""
    return msgspec.convert(options, api.ResumeOptions)


async def new(vm: FakeVm, **options: Any) -> str:
    session_id: str = (await vm.sessions.create("fake", create_options(options)))["sessionId"]
    return session_id


async def initialize(agent: FakeAgent, params: dict[str, Any]) -> Any:
    return {
        "protocolVersion": 1,
        "agentCapabilities": agent.vm.capabilities,
        "agentInfo": {"name": "fake", "version": "1"},
    }


async def new_session(agent: FakeAgent, params: dict[str, Any]) -> Any:
    return {"sessionId": agent.session_id}


async def echo(agent: FakeAgent, params: dict[str, Any]) -> Any:
    for block in params["prompt"]:
        await agent.say(block.get("text", block["type"]))
    return {"stopReason": "end_turn"}
