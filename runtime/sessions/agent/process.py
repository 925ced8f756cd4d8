"""A live agent: one process and the ACP connection on its stdin and stdout.

Up to three tasks, all inside `Agent.run`: one reads stdout and hands every message to the listener before it looks at the
next, one reads stderr, and one writes the bytes for which the pipe had no room. Reading does not wait for writing: an agent
that writes much before it reads would wait for us, and we for it. It waits only once `UNREAD_BYTES` of answers lie unread,
which bounds the memory for an agent that never reads.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import trio

from runtime.acp.codec import ErrorObject, Frame, Id, Large, Malformed, Notification, Request
from runtime.acp.connection import CANCELLED, AgentAnswer, ClientConnection, Noise, RequestCancelled
from runtime.large_json import JOINED_AT_ONCE
from runtime.sessions.agent.errors import AgentError, AgentGoneError
from runtime.sessions.agent.stderr import Stderr
from runtime.sessions.options.redaction import NOTHING
from runtime.wire_json import encoded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from runtime.budget import Budget
    from runtime.sessions.ports import ExitStatus, Process

logger = logging.getLogger(__name__)

UNREAD_BYTES: Final = 16 * 1024 * 1024
"""How much may wait for the agent to read it before we stop reading from it: one answer of the largest size."""

PIECE_BYTES: Final = 8 * 1024
"""Of what an agent says, between two looks at others: some seventy short updates, a millisecond of the loop."""

AGENT_EXIT_GRACE: Final = 5.0
"""Seconds for a process to end after it has closed stdout: nobody can talk to it any more, but it may be saving."""


@attrs.frozen
class HostFault:
    """The exit status of an agent that ended through a mistake of ours."""

    message: str
    code: int | None = None
    reason: str = "killed"


VM_CLOSED: Final = HostFault("the VM was closed")
"""The exit status of an agent whose VM was closed under it."""


class Listener(Protocol):
    """Receives an agent's messages. The methods are called in the order of the messages, never concurrently."""

    async def on_request(self, request: Request) -> None:
        """Serve a request: answer it now, or see to it that `Agent.respond` or `refuse` is called later."""

    async def on_notification(self, notification: Notification) -> None:
        """Take a notification."""

    def on_request_cancelled(self, request_id: Id) -> None:
        """The agent takes a request back. Not called for a request that `Agent.serve_later` serves: that cancels it."""

    async def on_noise(self, noise: Noise) -> None:
        """Record output that is not a JSON-RPC message."""

    async def on_stderr(self, text: str, dropped: int) -> None:
        """Record output on stderr; `dropped` bytes before it were left out."""

    def on_greed(self, used: int, allowed: int) -> None:
        """The agent, which has made us hold `used` bytes, is being killed: all agents together hold more than `allowed`."""

    def on_exit(self, status: ExitStatus) -> None:
        """The process has ended and everything that it wrote has been handled."""


class Agent:
    """The host's end of an agent process."""

    def __init__(self, process: Process, listener: Listener, budget: Budget) -> None:
        self.process = process
        self.status: ExitStatus | None = None
        """How it ended; None while it lives."""
        self.exited = trio.Event()
        self.redactor = NOTHING
        """Keeps the session's secrets out of the agent's answers and of its `stderr_tail`."""
        self._listener = listener
        self._connection = ClientConnection()
        self._budget = budget
        self._share = budget.share(self._cut_off)
        self._held = 0
        self._callbacks: dict[int, Callable[[AgentAnswer | None], None]] = {}
        self._serving: dict[Id, trio.CancelScope] = {}
        self._outbox: deque[bytes] = deque()
        self._unread = 0
        """Bytes that wait for room in the pipe, or are being written."""
        self._deaf = False  # stdin is closed: we write nothing more, but go on reading
        self._drained = trio.lowlevel.ParkingLot()
        self._stderr = Stderr(trio.current_time())
        self._nursery: trio.Nursery | None = None

    @property
    def stderr_tail(self) -> str:
        """The last lines that it wrote to stderr."""
        return self.redactor.text(self._stderr.tail)

    @property
    def serving(self) -> int:
        """Requests of the agent that wait for our answer."""
        return self._connection.serving

    def kill(self) -> None:
        """End the process now. `exited` is set once all of its output is handled."""
        self.process.kill()

    def hold(self, size: int) -> None:
        """Count so many bytes more, or fewer, that are held for this agent alone."""
        self._share.add(size)

    def _cut_off(self) -> None:
        self._listener.on_greed(self._share.used, self._budget.limit)
        self.kill()

    def _count(self) -> None:
        held = self._connection.buffered + self._unread
        self._share.add(held - self._held)
        self._held = held

    # Towards the agent. None of these waits.

    def submit(self, method: str, params: Sequence[bytes], on_answer: Callable[[AgentAnswer | None], None]) -> int:
        """Send a request; `params` is JSON, in parts.

        `on_answer` is called in the order of the agent's messages; with None when it ends first.
        """
        id_, data = self._connection.request_parts(method, params)
        if self.status is not None:
            on_answer(None)
        else:
            self._callbacks[id_] = on_answer
            self._post(*([b"".join(data)] if sum(map(len, data)) < JOINED_AT_ONCE else data))
        return id_

    async def request(self, method: str, params: Any) -> Any:
        """Send a request and wait for its result. Raises `AgentError`, `AgentGoneError`.

        A cancelled wait tells the agent with `$/cancel_request`, which it may ignore; its answer is then dropped.
        """
        answers: list[AgentAnswer | None] = []
        done = trio.Event()

        def on_answer(answer: AgentAnswer | None) -> None:
            answers.append(answer)
            done.set()

        id_ = self.submit(method, [encoded(params)], on_answer)
        try:
            await done.wait()
        finally:
            if not answers:
                self._callbacks.pop(id_, None)
                self._post(self._connection.abandon(id_))
        (answer,) = answers
        if answer is None:
            raise AgentGoneError(f"the agent ended before it answered {method}")
        if answer.error is not None:
            raise AgentError(method, answer.error)
        return answer.result

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._post(self._connection.notify(method, params))

    def respond(self, id_: Id, result: Any) -> None:
        """Answer a request of the agent; nothing happens if it was answered or the agent is gone."""
        self._answer(lambda: self._connection.respond(id_, result))

    def refuse(self, id_: Id, error: ErrorObject) -> None:
        """Answer a request of the agent with an error; nothing happens if it was answered."""
        self._answer(lambda: self._connection.refuse(id_, error))

    def serve_later(self, id_: Id, serve: Callable[[], Awaitable[None]]) -> None:
        """Run `serve`, which is to answer request `id_`, beside everything else; cancelled when the agent ends.

        The agent may take the request back, which cancels `serve` and answers -32800.
        """
        scope = self._serving[id_] = trio.CancelScope()

        async def run() -> None:
            with scope:
                await serve()
            self._serving.pop(id_, None)
            if scope.cancelled_caught:
                self.refuse(id_, CANCELLED)

        self.start_soon(run)

    def take_back(self, id_: Id) -> None:
        """End `serve_later` of request `id_`, as if the agent had taken it back."""
        if id_ in self._serving:
            self._serving[id_].cancel()

    def start_soon(self, task: Callable[[], Awaitable[None]]) -> None:
        """Run `task` as long as the agent lives."""
        if self._nursery is None:
            raise RuntimeError("the agent is not running")
        self._nursery.start_soon(task)

    def _answer(self, encode: Callable[[], bytes]) -> None:
        try:
            data = encode()
        except KeyError:
            return
        self._post(data)

    def _post(self, *parts: bytes) -> None:
        if self.status is not None or self._deaf:
            return
        for data in parts:
            rest = data
            if not self._unread:
                try:
                    rest = self.process.offer(data)
                except trio.BrokenResourceError:
                    self._deaf = True
                    return
                if not rest:
                    continue
                if self._nursery is not None:
                    self._nursery.start_soon(self._write)
            self._outbox.append(rest)
            self._unread += len(rest)
        self._count()

    # The tasks.

    async def run(self) -> None:
        """Serve the process until it ends. The process never outlives this call, which raises nothing but `Cancelled`."""
        status: ExitStatus = VM_CLOSED
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                if self._unread:
                    nursery.start_soon(self._write)
                try:
                    status = await self._read_all()
                finally:
                    self._nursery = None  # it may be closed from here on
                nursery.cancel_scope.cancel()
        except Exception as error:
            # A mistake of ours costs this agent, and no other: they all share the VM's nursery.
            logger.exception("serving agent process %d failed", self.process.pid)
            status = HostFault(f"internal error: {error!r}")
        finally:
            self.process.kill()
            self._finish(status)

    async def _read_all(self) -> ExitStatus:
        async with trio.open_nursery() as readers:
            readers.start_soon(self._read_stderr)
            await self._read()
            with trio.move_on_after(AGENT_EXIT_GRACE):
                await self.process.wait()
            self.process.kill()
        return await self.process.wait()

    def _finish(self, status: ExitStatus) -> None:
        self.status = status
        self._share.close()
        self._outbox.clear()
        callbacks, self._callbacks = self._callbacks, {}
        try:
            for on_answer in callbacks.values():
                on_answer(None)
            self._listener.on_exit(status)
        finally:
            self.exited.set()

    async def _read(self) -> None:
        while data := await self.process.receive():
            for start in range(0, len(data), PIECE_BYTES):
                if start:
                    await trio.lowlevel.checkpoint()
                frames = self._connection.frames(data[start : start + PIECE_BYTES])
                self._count()
                for frame in frames:
                    await self._take(await frame.frame() if isinstance(frame, Large) else frame)
            while self._unread > UNREAD_BYTES:
                await self._drained.park()
        for frame in self._connection.last_frames():
            last = await frame.frame() if isinstance(frame, Large) else frame
            if not isinstance(last, Malformed):
                await self._take(last)
        for event in self._connection.finish():
            await self._handle(event)

    async def _take(self, frame: Frame) -> None:
        for event in self._connection.events(frame):
            await self._handle(event)

    async def _handle(self, event: Request | Notification | AgentAnswer | RequestCancelled | Noise) -> None:
        match event:
            case Request():
                await self._listener.on_request(event)
            case Notification():
                await self._listener.on_notification(event)
            case AgentAnswer():
                callback = self._callbacks.pop(event.id, None)
                if callback is not None:
                    callback(self._redacted(event))
            case RequestCancelled(id=id_):
                if id_ in self._serving:
                    self.take_back(id_)
                else:
                    self._listener.on_request_cancelled(id_)
            case Noise():
                if event.reply is not None:
                    self._post(event.reply)
                await self._listener.on_noise(event)

    def _redacted(self, answer: AgentAnswer) -> AgentAnswer:
        if self.redactor is NOTHING:
            return answer
        error = answer.error
        if error is not None:
            error = ErrorObject(error.code, self.redactor.text(error.message), self.redactor.value(error.data))
        return attrs.evolve(answer, result=self.redactor.value(answer.result), error=error)

    async def _read_stderr(self) -> None:
        while data := await self.process.receive_stderr():
            recorded = self._stderr.feed(data, trio.current_time())
            if recorded is not None:
                await self._listener.on_stderr(*recorded)

    async def _write(self) -> None:
        while self._outbox:
            data = self._outbox.popleft()
            try:
                await self.process.send(data)
            except trio.BrokenResourceError:
                self._deaf = True
                self._outbox.clear()
            self._unread = 0 if self._deaf else self._unread - len(data)
            self._count()
            self._drained.unpark_all()
