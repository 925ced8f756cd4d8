"""One client's connection: reads requests, runs each as a task of its own, and writes the answers.

The reader never waits for a request, so that it takes `$/cancel_request` and the answers to permission requests at any time.
Answers are sent in the order in which they are ready, through the outbox. When the connection ends, its tasks are cancelled;
the work that they waited for (a turn, above all) goes on.
"""

from __future__ import annotations

import logging
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import trio
from msgspec import UNSET, UnsetType

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.limits import MAX_LINE, MAX_RESPONSE
from runtime.api.types import VmParams
from runtime.exhaustion import exhausted
from runtime.jsonrpc import INVALID_REQUEST, METHOD_NOT_FOUND
from runtime.large_json import SMALL_BYTES, is_small
from runtime.rpc.framing import LineTooLongError
from runtime.rpc.messages import (
    ProtocolError,
    Refusal,
    Request,
    cancelled_error,
    error_line,
    internal_error,
    parse_large_line,
    parse_line,
    response_line,
    response_parts,
    sole_error,
)
from runtime.rpc.methods import Call, Served
from runtime.rpc.outbox import Outbox
from runtime.rpc.subscriptions import Subscriptions
from runtime.rpc.validation import decode_params, large_params

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runtime.rpc.service import Service
    from runtime.rpc.transport import Transport

logger = logging.getLogger(__name__)

MAX_IN_FLIGHT: Final = 4096
"""Requests of one connection under way: each is a task of some 10 KiB, and no client waits for more at once."""
BUSY_IN_FLIGHT: Final = 1024
"""From here on the reader pauses before each request, so that one that pipelines many short ones is served, not refused."""

PAUSE: Final = 0.001
"""Seconds: many short requests end in it."""

FREE_IN_FLIGHT: Final = 16
"""From here on a connection begins one request in a round of the loop: a client that sends thousands at once has the weight
of one, and what a program asks for side by side begins at once."""
MAX_IN_FLIGHT_BYTES: Final = 4 * MAX_LINE
"""Bytes of the requests under way: a few of the largest."""
REQUEST_COST: Final = 10 * 1024
"""Bytes that a request takes while it is under way besides its line: a task, and what it is decoded to."""

LINGER: Final = 1.0
"""Seconds for the peer to hear why it is hung up on."""

HALF_CLOSED_POLL: Final = 0.25
"""Seconds between looks whether a peer that only stopped writing has gone altogether."""

CANCEL: Final = "$/cancel_request"


class Connection:
    """Serves one peer until it goes."""

    def __init__(self, transport: Transport, service: Service, methods: Mapping[str, Served]) -> None:
        self._transport = transport
        self._service = service
        self._methods = methods
        self._outbox = Outbox()
        self._subscriptions: Subscriptions | None = None
        self._in_flight: dict[str | int | float, trio.CancelScope] = {}
        self._running = 0
        self._running_bytes = 0
        self._everything: trio.CancelScope | None = None
        self._cut_off = False
        self._share = service.budget.share(self._cut)
        self._outbox.charge = self._share.add
        transport.count(self._share.add)

    @property
    def subscriptions(self) -> int:
        """How many subscriptions the peer has."""
        return 0 if self._subscriptions is None else len(self._subscriptions)

    @property
    def running(self) -> int:
        """How many of the peer's requests are under way."""
        return self._running

    @property
    def quiet(self) -> bool:
        """Whether no request is under way and nothing waits to be written."""
        return not self._running and self._outbox.idle

    async def run(self) -> None:
        """Serve the peer; returns when it is gone. The transport is closed then."""
        try:
            async with aclosing(self._transport):
                async with trio.open_nursery() as nursery:
                    self._everything = nursery.cancel_scope
                    self._subscriptions = Subscriptions(self._service.host, self._outbox, nursery)
                    nursery.start_soon(self._write, nursery.cancel_scope)
                    try:
                        await self._read(nursery)
                        await self._half_closed()
                    except trio.BrokenResourceError:
                        pass
                    nursery.cancel_scope.cancel()
                if self._cut_off:
                    await self._say_why()
        finally:
            self._share.close()
            if self._subscriptions is not None:
                self._subscriptions.close()
            self._outbox.close()

    def _cut(self) -> None:
        """End this connection: all together hold too much, and this one holds the most."""
        self._cut_off = True
        if self._everything is not None:
            self._everything.cancel()

    async def _say_why(self) -> None:
        """Tell the peer why it is cut off, unless a line to it is half written."""
        logger.warning("a connection that held %d bytes was cut off", self._share.used)
        if self._outbox.torn:
            return
        limit = self._service.budget.limit
        message = (
            f"all connections together held more than {limit} bytes, this one the most: read answers, and end lines"
        )
        error = ApiError(
            ErrorCode.LIMIT_EXCEEDED, message, limit="connectionBytes", allowed=limit, used=self._share.used
        )
        with trio.move_on_after(LINGER), suppress(trio.BrokenResourceError):
            await self._transport.send([error_line(None, error)])

    async def _write(self, scope: trio.CancelScope) -> None:
        try:
            await self._outbox.write_to(self._transport)
        except trio.BrokenResourceError:
            scope.cancel()

    async def _read(self, nursery: trio.Nursery) -> None:
        while True:
            try:
                line = await self._transport.receive()
            except LineTooLongError:
                await self._hang_up()
                return
            if line is None:
                return
            message = parse_line(bytes(line)) if len(line) <= SMALL_BYTES else await parse_large_line(line)
            if isinstance(message, Refusal):
                await self._outbox.send(error_line(message.id, message.error))
            else:
                if self._running >= BUSY_IN_FLIGHT:
                    await trio.sleep(PAUSE)
                elif self._running >= FREE_IN_FLIGHT:
                    await trio.lowlevel.checkpoint()
                await self._begin(message, len(line), nursery)

    async def _hang_up(self) -> None:
        """Answer that the line is too long, and read on while it comes, so that the peer gets to read the answer."""
        fault = ProtocolError(INVALID_REQUEST, f"a line has more than {MAX_LINE} bytes", maxLineBytes=MAX_LINE)
        with trio.move_on_after(LINGER):
            await self._outbox.send(error_line(None, fault))
            await self._outbox.drained()
        await self._transport.skip_line(LINGER)
        with trio.move_on_after(LINGER):
            await self._outbox.drained()

    async def _half_closed(self) -> None:
        """The peer has stopped writing: wait until it has all its answers, or is gone altogether."""
        while not self._transport.gone:
            if self.quiet and not self.subscriptions:
                return
            await trio.sleep(HALF_CLOSED_POLL)

    async def _begin(self, request: Request, size: int, nursery: trio.Nursery) -> None:
        """Start a request, or refuse it."""
        if request.method == CANCEL:
            self._cancel(request)
            if request.id is not UNSET:
                await self._outbox.send(response_line(request.id, {}))
            return
        served = self._methods.get(request.method)
        error: ProtocolError | ApiError | None = None
        if served is None:
            error = ProtocolError(METHOD_NOT_FOUND, f"no method {request.method[:200]}; rpc.discover lists them")
        elif request.id in self._in_flight:
            error = ProtocolError(INVALID_REQUEST, "a request with this id is under way")
        elif self._running >= MAX_IN_FLIGHT or self._running_bytes + size > MAX_IN_FLIGHT_BYTES:
            error = ApiError(ErrorCode.BUSY, "too many requests under way on this connection")
        elif self._service.closing:
            error = ApiError(ErrorCode.SHUTTING_DOWN, "the daemon is shutting down")
        if error is None and served is not None:
            scope = trio.CancelScope()
            if request.id is not UNSET:
                self._in_flight[request.id] = scope
            self._running += 1
            self._running_bytes += size
            self._share.add(size + REQUEST_COST)
            nursery.start_soon(self._serve, request, served, size, scope)
        elif error is not None and request.id is not UNSET:
            await self._outbox.send(error_line(request.id, error))

    def _cancel(self, request: Request) -> None:
        try:
            params = msgspec.json.decode(request.params)
            scope = self._in_flight.get(params["id"])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, KeyError):
            return  # a notification has no answer to say it in
        if scope is not None:
            scope.cancel()

    async def _serve(self, request: Request, served: Served, size: int, scope: trio.CancelScope) -> None:
        assert self._subscriptions is not None
        call = Call(self._service.host, self._service, self._subscriptions)
        started = trio.current_time()
        parts: Sequence[bytes] = ()
        try:
            with scope:
                parts = await self._answer(request, served, call)
                if sum(map(len, parts)) > MAX_RESPONSE:
                    parts = [error_line(_answerable(request), _too_large())]
            if scope.cancelled_caught:
                call.afterwards.clear()
                parts = [error_line(_answerable(request), cancelled_error())]
            elif call.settle is not None:
                await call.settle()  # outside of the scope: the request has succeeded, and is not reported as cancelled
            if request.id is not UNSET:
                await (self._outbox.send(parts[0]) if len(parts) == 1 else self._outbox.send_parts(parts))
            for step in call.afterwards:
                step()
        finally:
            self._running -= 1
            self._running_bytes -= size
            self._share.add(-size - REQUEST_COST)
            seconds = trio.current_time() - started
            logger.debug("%s took %.1f ms", request.method, seconds * 1000)
            if self._service.meters is not None:
                self._service.meters.took(request.method, seconds)
            if request.id is not UNSET:
                del self._in_flight[request.id]

    async def _answer(self, request: Request, served: Served, call: Call) -> list[bytes]:
        """Run the handler. Its result, or any error but cancellation, becomes a line; a large line comes in parts."""
        request_id = _answerable(request)
        error: ApiError | ProtocolError | None
        try:
            result = await self._result(request, served, call)
            if is_small(result):
                return [response_line(request_id, result)]
            return await response_parts(request_id, result)
        except (ApiError, ProtocolError) as raised:
            error = raised
        except BaseExceptionGroup as group:
            error = sole_error(group)
            if error is None:
                cancelled, rest = group.split(trio.Cancelled)
                if rest is not None:
                    logger.error("%s failed", request.method, exc_info=rest)  # noqa: TRY400 - only what is not cancellation
                if cancelled is not None:
                    raise cancelled from None
        except Exception as failed:
            error = exhausted(failed)
            if error is None:
                logger.exception("%s failed", request.method)
            else:
                logger.warning("%s failed: %s", request.method, failed)
        call.afterwards.clear()
        return [error_line(request_id, error or internal_error())]

    async def _result(self, request: Request, served: Served, call: Call) -> Any:
        if request.long is None:
            params = decode_params(request.params, served.method.params)
        else:
            params = await large_params(request.params, request.long, served.method.params)
        if served.method.settles and isinstance(params, VmParams):
            call.settle = partial(call.subscriptions.settled, params.vm_name, getattr(params, "session_id", None))
        return await served.handler(call, params)


def _too_large() -> ApiError:
    return ApiError(ErrorCode.TOO_LARGE, "the answer is larger than the limit", limit=MAX_RESPONSE)


def _answerable(request: Request) -> str | int | float:
    """Return the id for the answer; for a notification any id, since its answer is not sent."""
    return "" if isinstance(request.id, UnsetType) else request.id
