"""wasi:http/outgoing-handler (WASI 0.2): the one function through which a guest reaches the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.engine import HostInterface, WitError
from runtime.network import HttpError, Timeouts
from runtime.wasi.http_messages import Exchange, FutureIncomingResponse, OutgoingRequest, RequestOptions

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState

outgoing_handler = HostInterface("wasi:http/outgoing-handler")

outgoing_handler.resource("outgoing-request", OutgoingRequest)
outgoing_handler.resource("request-options", RequestOptions)
outgoing_handler.resource("future-incoming-response", FutureIncomingResponse)


@outgoing_handler.function("handle")
def handle(state: WasiState, request: OutgoingRequest, options: RequestOptions | None) -> FutureIncomingResponse:
    """Begin a request. What the policy or a cap refuses fails here, before anything is sent."""
    outgoing = request.for_gate(Timeouts() if options is None else options.timeouts())
    try:
        state.http.check(outgoing)
    except HttpError as error:
        raise WitError(error.variant) from None
    exchange = Exchange(state.http, outgoing, None if request.body is None else request.body.pipe)
    state.start_soon(exchange.run)
    return exchange.future
