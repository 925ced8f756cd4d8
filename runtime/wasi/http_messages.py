"""The resources of wasi:http/types: requests, answers and their bodies, and the exchange that connects them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import attrs
import trio

from runtime.engine import Resource
from runtime.network import GateRequest, HttpError, Timeouts
from runtime.wasi.http_bodies import RequestBody, ResponseBody
from runtime.wasi.http_fields import FORBIDDEN, Fields, content_length
from runtime.wasi.streams import Source

if TYPE_CHECKING:
    from runtime.network import GateResponse, HttpGate

MAX_TIMEOUT: Final = 3600.0
"""Seconds; a guest that waits longer for one answer has been forgotten by its user."""

NANOSECONDS: Final = 1_000_000_000

logger = logging.getLogger(__name__)


class RequestOptions(Resource):
    """Timeouts of a request in nanoseconds, None for the host's defaults."""

    def __init__(self) -> None:
        self.connect: int | None = None
        self.first_byte: int | None = None
        self.between_bytes: int | None = None

    def timeouts(self) -> Timeouts:
        """Return what the gate is to wait."""
        given = {"connect": self.connect, "first_byte": self.first_byte, "between_bytes": self.between_bytes}
        seconds = {name: min(value / NANOSECONDS, MAX_TIMEOUT) for name, value in given.items() if value is not None}
        return Timeouts(**seconds)


class OutgoingBody(Resource):
    """The body of an outgoing message: one stream to write, then `finish`. Dropped unfinished, it breaks the request."""

    def __init__(self, pipe: RequestBody) -> None:
        self.pipe = pipe
        self.stream_taken = False

    def drop(self) -> None:
        """See Resource."""
        self.pipe.abandon()


class OutgoingMessage(Resource):
    """What outgoing requests and responses have in common: headers, fixed from now on, and at most one body."""

    def __init__(self, headers: Fields) -> None:
        self.headers = headers.frozen()
        self.body: OutgoingBody | None = None

    def take_body(self) -> OutgoingBody:
        """Make the body; ValueError if there is one, or if the content-length is no number."""
        if self.body is not None:
            raise ValueError("the body was taken")
        self.body = OutgoingBody(RequestBody(content_length(self.headers.entries())))
        return self.body


class OutgoingRequest(OutgoingMessage):
    """A request that a guest is putting together."""

    def __init__(self, headers: Fields) -> None:
        super().__init__(headers)
        self.method: tuple[str, str | None] = ("get", None)
        self.scheme: tuple[str, str | None] | None = None
        self.authority: str | None = None
        self.path: str | None = None

    def for_gate(self, timeouts: Timeouts) -> GateRequest:
        """Return the request as the gate checks and sends it. Without a scheme it is HTTPS, as in wasmtime."""
        case, other = self.method
        scheme, other_scheme = self.scheme or ("HTTPS", None)
        path = self.path or "/"
        return GateRequest(
            method=case.upper() if other is None else other,
            scheme=scheme.lower() if other_scheme is None else other_scheme,
            authority=self.authority or "",
            path=f"/{path}" if path.startswith("?") else path,
            headers=self.headers.entries(),
            body=None if self.body is None else self.body.pipe,
            timeouts=timeouts,
        )


class OutgoingResponse(OutgoingMessage):
    """A response that a guest puts together; the host has no request that it could answer."""

    def __init__(self, headers: Fields) -> None:
        super().__init__(headers)
        self.status = 200


class Exchange:
    """A request on its way and its answer. Its task is the guest's; `cancel` ends it and closes the connection."""

    def __init__(self, gate: HttpGate, request: GateRequest, pipe: RequestBody | None) -> None:
        self._gate = gate
        self._request = request
        self._pipe = pipe
        self._scope = trio.CancelScope()
        self.body = ResponseBody()
        self.future = FutureIncomingResponse(self)

    def cancel(self) -> None:
        """Give the request up; idempotent, and without effect once the answer has been received."""
        self._scope.cancel()

    async def run(self) -> None:
        """Send the request, resolve the future, and feed the answer's body as fast as the guest reads it."""
        try:
            with self._scope:
                await self._run()
        except HttpError as error:
            self._fail(error)
        except Exception:  # a fault of the host ends this request, and not the VM whose task this is
            logger.exception("a request of a guest failed")
            self._fail(HttpError("internal-error", None))
        finally:
            # Also after a cancellation: whoever still holds the future or the body must not wait for ever.
            self._fail(HttpError("connection-terminated", message="the request was given up"))
            if self._pipe is not None:
                self._pipe.close()

    def _fail(self, error: HttpError) -> None:
        """Tell whoever still waits; without effect on what is there already."""
        self.future.fail(error)
        self.body.end(error)

    async def _run(self) -> None:
        request = self._request
        # By now the guest waits for something; often it has written the whole body before that.
        length = None if self._pipe is None else self._pipe.known_length()
        if length is not None and content_length(request.headers) is None:
            headers = [*request.headers, ("content-length", str(length).encode())]
            request = attrs.evolve(request, headers=headers)
        async with self._gate.send(request) as response:
            self.future.resolve(IncomingResponse(self, response))
            while data := await response.receive():
                await self.body.feed(data)
            self.body.end()


class FutureIncomingResponse(Resource, Source):
    """The answer to a request, or why there is none. Dropped with the answer in it, it gives the request up."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange
        self.result: IncomingResponse | HttpError | None = None
        self.taken = False

    def is_ready(self) -> bool:
        """See Source."""
        return self.result is not None

    def resolve(self, response: IncomingResponse) -> None:
        """The answer's headers are there."""
        self.result = response
        self.notify()

    def fail(self, error: HttpError) -> None:
        """There will be no answer; without effect if there is one."""
        if self.result is None:
            self.result = error
            self.notify()

    def drop(self) -> None:
        """See Resource."""
        if not self.taken:
            self._exchange.cancel()


class IncomingResponse(Resource):
    """An answer: status, headers, and one body to consume. Dropped unconsumed, it gives the request up."""

    def __init__(self, exchange: Exchange, response: GateResponse) -> None:
        self.exchange = exchange
        self.status = response.status
        allowed = [entry for entry in response.headers if entry[0] not in FORBIDDEN]
        self.headers = Fields(allowed, mutable=False)
        self.consumed = False

    def drop(self) -> None:
        """See Resource."""
        if not self.consumed:
            self.exchange.cancel()


class IncomingBody(Resource):
    """The body of an answer: one stream to read. Dropped before its end, it gives the request up."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.stream_taken = False

    def drop(self) -> None:
        """See Resource."""
        self.exchange.cancel()


class FutureTrailers(Resource):
    """The end of a body whose reading is over. HTTP/1.1 trailers are dropped by the client library: there are none."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.taken = False
        exchange.body.discard()

    def drop(self) -> None:
        """See Resource."""
        self.exchange.cancel()
