"""A local MCP server: a process of the VM that speaks JSON-RPC on its stdin and stdout, one message a line.

It has one client, the agent, whose messages come in over HTTP (`runtime.sessions.mcp.http`), each request with a stream
that its answer goes to. MCP does not say on stdio which request a message of the server belongs to, so it is

* an answer: to the stream of its request, which ends with it;
* progress: to the stream of the request that named the token;
* anything else: to the stream for such messages, or to that of the latest request where the agent opened none; with
  neither it is kept until there is one.

Source: MCP 2025-11-25, "Transports" and "Progress". Messages are passed on as they are; only ids and tokens are looked at.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime import jsonrpc
from runtime.acp.codec import (
    MAX_LINE,
    ErrorObject,
    Id,
    Malformed,
    Message,
    Notification,
    Request,
    Response,
    TooLong,
    encode_error,
    read_line,
    too_long,
    whole_line,
)
from runtime.api.errors import ApiError
from runtime.jsonrpc import INTERNAL_ERROR, Lines, Long
from runtime.large_json import one
from runtime.sessions.agent.stderr import Stderr
from runtime.sessions.mcp.streams import Backlog, Stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runtime.jsonrpc import Line
    from runtime.sessions.ports import ExitStatus, Process

logger = logging.getLogger(__name__)

MAX_PENDING: Final = 64
"""Requests of the agent that one server may be working on: agents send a handful, and each holds a stream."""

MAX_HELD: Final = 64
"""Messages kept while the agent listens to none of its streams; after that the oldest is dropped, as they are news."""

MAX_HELD_SIZE: Final = 16 * 1024
"""Bytes of such a message: notices are short; with the number above, no server holds more than 1 MiB this way."""

SERVER_EXIT_GRACE: Final = 5.0
"""Seconds for a server to end after it has closed stdout, as for an agent."""

CONNECTION_CLOSED: Final = -32000
"""What MCP's own SDKs answer a request with whose server has gone."""

PROGRESS: Final = "notifications/progress"


class StdioServer:
    """One server with its process, from `run` to its end. There is no second one: an agent that starts anew gets new servers.

    `on_stderr` and `on_exit` hear what the transcript records.
    """

    def __init__(
        self,
        name: str,
        spawn: Callable[[], Awaitable[Process]],
        on_stderr: Callable[[str, int], Awaitable[None]],
        on_exit: Callable[[ExitStatus | None, str, str], None],
    ) -> None:
        self.name = name
        self.gone: str | None = None
        """Why it answers no more, once it does not."""
        self._spawn = spawn
        self._on_stderr = on_stderr
        self._on_exit = on_exit
        # Without a buffer: a cancelled sender has sent nothing, and half a line is never written.
        self._outbox, self._sent = trio.open_memory_channel[bytes](0)
        self.backlog = Backlog()
        """Its messages that are not read yet."""
        self._pending: dict[Id, Stream] = {}
        self._tokens: dict[Id, Id] = {}
        self._news: Stream | None = None
        self._held: deque[bytes] = deque(maxlen=MAX_HELD)
        self._stderr = Stderr(trio.current_time())
        self._lines = Lines(MAX_LINE)

    # The agent's side.

    def open(self, request: Request) -> Stream:
        """The stream for a request that is about to be sent. Raises ValueError if it cannot be taken."""
        if request.id in self._pending:
            raise ValueError(f"the id {request.id!r} is that of a request which is not answered yet")
        if len(self._pending) >= MAX_PENDING:
            raise ValueError(f"{MAX_PENDING} requests wait for the MCP server {self.name} already")
        stream = self._pending[request.id] = Stream(self.backlog)
        token = _progress_token(request.params)
        if token is not None:
            self._tokens[token] = request.id
        return stream

    def close(self, request_id: Id, stream: Stream) -> None:
        """Nobody waits for the answer to a request any more."""
        stream.discard()
        if self._pending.get(request_id) is stream:
            del self._pending[request_id]
        self._tokens = {token: id_ for token, id_ in self._tokens.items() if id_ in self._pending}

    def listen(self) -> Stream:
        """Open the stream of messages that belong to no request; the one before it ends."""
        if self._news is not None:
            self._news.end()
        self._news = Stream(self.backlog)
        while self._held:
            self._news.put(self._held.popleft())
        if self.gone is not None:
            self._news.end()
        return self._news

    async def send(self, message: bytes) -> None:
        """Write one message, without its newline, to the server, once it has started.

        Raises trio.BrokenResourceError if it is gone.
        """
        await self._outbox.send(message)

    def refusal(self, request_id: Id) -> bytes:
        """The answer to a request that the server will not answer."""
        error = ErrorObject(CONNECTION_CLOSED, self.gone or f"the MCP server {self.name} takes no more input")
        return encode_error(request_id, error).rstrip(b"\n")

    # The server's side.

    async def run(self) -> None:
        """Start the process and serve until it ends; cancelling this kills it. Never raises but `Cancelled`."""
        status: ExitStatus | None = None
        problem = "ended by a mistake of the host"
        process: Process | None = None
        try:
            process = await self._spawn()
            status = await self._serve(process)
            problem = "ended" + (f": {status.message}" if status.code is None else f" with exit code {status.code}")
        except ApiError as error:
            problem = f"cannot be started: {error.message}"
        except Exception:
            logger.exception("serving the MCP server %s failed", self.name)
        finally:
            if process is not None:
                process.kill()
            self._end(f"the MCP server {self.name} {problem}")
        self._on_exit(status, self.gone or "", self._stderr.tail)

    async def _serve(self, process: Process) -> ExitStatus:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write, process)
            async with trio.open_nursery() as readers:
                readers.start_soon(self._read_stderr, process)
                await self._read(process)
                with trio.move_on_after(SERVER_EXIT_GRACE):
                    await process.wait()
                process.kill()
            nursery.cancel_scope.cancel()
        return await process.wait()

    def _end(self, message: str) -> None:
        self.gone = message
        self._sent.close()
        for request_id, stream in self._pending.items():
            stream.put(self.refusal(request_id))
            stream.end()
        self._pending.clear()
        if self._news is not None:
            self._news.end()

    async def _write(self, process: Process) -> None:
        async for message in self._sent:
            try:
                await process.send(message + b"\n")
            except trio.BrokenResourceError:
                self._sent.close()
                return

    async def _read(self, process: Process) -> None:
        while data := await process.receive():
            self._lines.push(data)
            for line in self._lines:
                await self._take(line)

    async def _take(self, line: Line) -> None:
        if isinstance(line, jsonrpc.TooLong):
            await self._reject(too_long(line), "a line too long")
            return
        text = await one(line.pieces) if isinstance(line, Long) else line
        message = await read_line(text)
        if isinstance(message, Malformed | TooLong):
            await self._reject(message, "not a message")
        else:
            self._pass_on(message, whole_line(text))
            await self.backlog.room()

    async def _reject(self, message: Malformed | TooLong, reason: str) -> None:
        await self._record(f"stdout, {reason}: {message.head}\n".encode())
        self._refuse(message)

    async def _read_stderr(self, process: Process) -> None:
        while data := await process.receive_stderr():
            await self._record(data)

    async def _record(self, data: bytes) -> None:
        recorded = self._stderr.feed(data, trio.current_time())
        if recorded is not None:
            await self._on_stderr(*recorded)

    def _pass_on(self, message: Message, line: bytes) -> None:
        if isinstance(message, Response):
            stream = None if message.id is None else self._pending.pop(message.id, None)
            if stream is not None:  # else the agent has given the request up
                stream.put(line)
                stream.end()
            return
        stream = self._of_progress(message) or self._news
        if stream is None or stream.ended:
            stream = next(reversed(self._pending.values()), None)
        if stream is not None:
            stream.put(line)
        elif len(line) <= MAX_HELD_SIZE:
            self._held.append(line)

    def _refuse(self, message: Malformed | TooLong) -> None:
        """End the requests that a line was meant to answer which cannot be passed on."""
        error = ErrorObject(INTERNAL_ERROR, f"the answer of the MCP server {self.name} cannot be read")
        for request_id in message.answers:
            stream = None if request_id is None else self._pending.pop(request_id, None)
            if request_id is not None and stream is not None:
                stream.put(encode_error(request_id, error).rstrip(b"\n"))
                stream.end()

    def _of_progress(self, message: Message) -> Stream | None:
        if not isinstance(message, Notification) or message.method != PROGRESS or not isinstance(message.params, dict):
            return None
        token = message.params.get("progressToken")
        request_id = self._tokens.get(token) if isinstance(token, (int, str)) else None
        return None if request_id is None else self._pending.get(request_id)


def _progress_token(params: Any) -> Id | None:
    meta = params.get("_meta") if isinstance(params, dict) else None
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    return token if isinstance(token, (int, str)) else None
