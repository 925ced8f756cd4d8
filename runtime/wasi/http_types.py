"""wasi:http/types (WASI 0.2): the functions by their WIT names, over the resources of http_messages and http_fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from runtime.engine import Err, HostInterface, Ok, Resource, WitError
from runtime.network import HttpError
from runtime.network.policy import split_authority
from runtime.wasi.http_fields import Fields
from runtime.wasi.http_messages import (
    FutureIncomingResponse,
    FutureTrailers,
    IncomingBody,
    IncomingResponse,
    OutgoingBody,
    OutgoingMessage,
    OutgoingRequest,
    OutgoingResponse,
    RequestOptions,
)
from runtime.wasi.streams import InputStream, IoError, OutputStream, Pollable, pollable_of

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState

Variant = tuple[str, str | None]

MIN_STATUS: Final = 100

MAX_STATUS: Final = 999
"""RFC 9110, 15: three digits."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, 5.6.2."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
"""RFC 3986, 3.1."""

_PATH = re.compile(r"(?:[/?][^\x00-\x20\x7f#]*|\*)?")

types = HostInterface("wasi:http/types")


class IncomingRequest(Resource):
    """A request to a guest. The host makes none, so no guest holds one."""


class ResponseOutparam(Resource):
    """Where a guest puts its answer to a request. The host makes none, so no guest holds one."""


types.resource("fields", Fields)
types.resource("headers", Fields)
types.resource("trailers", Fields)
types.resource("incoming-request", IncomingRequest)
types.resource("outgoing-request", OutgoingRequest)
types.resource("request-options", RequestOptions)
types.resource("response-outparam", ResponseOutparam)
types.resource("incoming-response", IncomingResponse)
types.resource("incoming-body", IncomingBody)
types.resource("future-trailers", FutureTrailers)
types.resource("outgoing-response", OutgoingResponse)
types.resource("outgoing-body", OutgoingBody)
types.resource("future-incoming-response", FutureIncomingResponse)
types.resource("input-stream", InputStream)
types.resource("output-stream", OutputStream)
types.resource("io-error", IoError)
types.resource("pollable", Pollable)


@types.function("http-error-code")
def http_error_code(_state: WasiState, error: IoError) -> tuple[str, Any] | None:
    """The HTTP error behind a stream's failure, if it is one."""
    return error.code.variant if isinstance(error.code, HttpError) else None


# fields


@types.function("[constructor]fields")
def fields_new(_state: WasiState) -> Fields:
    """Empty, mutable fields."""
    return Fields()


@types.function("[static]fields.from-list")
def fields_from_list(_state: WasiState, entries: list[tuple[str, bytes]]) -> Fields:
    """Mutable fields with these entries."""
    return Fields.from_guest(entries)


@types.function("[method]fields.get")
def fields_get(_state: WasiState, self: Fields, name: str) -> list[bytes]:
    """The values of a name."""
    return self.get(name)


@types.function("[method]fields.has")
def fields_has(_state: WasiState, self: Fields, name: str) -> bool:
    """Whether the name has a value."""
    return bool(self.get(name))


@types.function("[method]fields.set")
def fields_set(_state: WasiState, self: Fields, name: str, values: list[bytes]) -> None:
    """Replace the values of a name."""
    self.set(name, values)


@types.function("[method]fields.delete")
def fields_delete(_state: WasiState, self: Fields, name: str) -> None:
    """Remove a name."""
    self.delete(name)


@types.function("[method]fields.append")
def fields_append(_state: WasiState, self: Fields, name: str, value: bytes) -> None:
    """Add a value to a name."""
    self.append(name, value)


@types.function("[method]fields.entries")
def fields_entries(_state: WasiState, self: Fields) -> list[tuple[str, bytes]]:
    """All names and values."""
    return self.entries()


@types.function("[method]fields.clone")
def fields_clone(_state: WasiState, self: Fields) -> Fields:
    """A mutable copy."""
    return Fields(self.entries())


# outgoing-request


@types.function("[constructor]outgoing-request")
def outgoing_request_new(_state: WasiState, headers: Fields) -> OutgoingRequest:
    """A GET request with these headers."""
    return OutgoingRequest(headers)


@types.function("[method]outgoing-request.body")
@types.function("[method]outgoing-response.body")
def outgoing_body(_state: WasiState, self: OutgoingMessage) -> OutgoingBody:
    """The body, once."""
    try:
        return self.take_body()
    except ValueError:
        raise WitError from None


@types.function("[method]outgoing-request.headers")
@types.function("[method]outgoing-response.headers")
def outgoing_headers(_state: WasiState, self: OutgoingMessage) -> Fields:
    """The headers, immutable."""
    return self.headers.frozen()


@types.function("[method]outgoing-request.method")
def request_method(_state: WasiState, self: OutgoingRequest) -> Variant:
    """The method."""
    return self.method


@types.function("[method]outgoing-request.set-method")
def request_set_method(_state: WasiState, self: OutgoingRequest, method: Variant) -> None:
    """Set the method; an error if it is no token."""
    if method[1] is not None and not _TOKEN.fullmatch(method[1]):
        raise WitError
    self.method = method


@types.function("[method]outgoing-request.scheme")
def request_scheme(_state: WasiState, self: OutgoingRequest) -> Variant | None:
    """The scheme; None stands for HTTPS."""
    return self.scheme


@types.function("[method]outgoing-request.set-scheme")
def request_set_scheme(_state: WasiState, self: OutgoingRequest, scheme: Variant | None) -> None:
    """Set the scheme; an error if it is malformed."""
    if scheme is not None and scheme[1] is not None and not _SCHEME.fullmatch(scheme[1]):
        raise WitError
    self.scheme = scheme


@types.function("[method]outgoing-request.authority")
def request_authority(_state: WasiState, self: OutgoingRequest) -> str | None:
    """The authority."""
    return self.authority


@types.function("[method]outgoing-request.set-authority")
def request_set_authority(_state: WasiState, self: OutgoingRequest, authority: str | None) -> None:
    """Set host and port; an error if they are malformed."""
    if authority is not None:
        try:
            split_authority(authority)
        except ValueError:
            raise WitError from None
    self.authority = authority


@types.function("[method]outgoing-request.path-with-query")
def request_path(_state: WasiState, self: OutgoingRequest) -> str | None:
    """The path and query."""
    return self.path


@types.function("[method]outgoing-request.set-path-with-query")
def request_set_path(_state: WasiState, self: OutgoingRequest, path: str | None) -> None:
    """Set the path and query; an error if they are malformed."""
    if path is not None and not _PATH.fullmatch(path):
        raise WitError
    self.path = path


# request-options


@types.function("[constructor]request-options")
def options_new(_state: WasiState) -> RequestOptions:
    """Options with the host's defaults."""
    return RequestOptions()


@types.function("[method]request-options.connect-timeout")
def options_connect(_state: WasiState, self: RequestOptions) -> int | None:
    """Nanoseconds until the connection must be there."""
    return self.connect


@types.function("[method]request-options.set-connect-timeout")
def options_set_connect(_state: WasiState, self: RequestOptions, duration: int | None) -> None:
    """Set it."""
    self.connect = duration


@types.function("[method]request-options.first-byte-timeout")
def options_first_byte(_state: WasiState, self: RequestOptions) -> int | None:
    """Nanoseconds until the answer must begin."""
    return self.first_byte


@types.function("[method]request-options.set-first-byte-timeout")
def options_set_first_byte(_state: WasiState, self: RequestOptions, duration: int | None) -> None:
    """Set it."""
    self.first_byte = duration


@types.function("[method]request-options.between-bytes-timeout")
def options_between_bytes(_state: WasiState, self: RequestOptions) -> int | None:
    """Nanoseconds for which the answer may pause."""
    return self.between_bytes


@types.function("[method]request-options.set-between-bytes-timeout")
def options_set_between_bytes(_state: WasiState, self: RequestOptions, duration: int | None) -> None:
    """Set it."""
    self.between_bytes = duration


# bodies and answers


@types.function("[method]outgoing-body.write")
def body_write(_state: WasiState, self: OutgoingBody) -> OutputStream:
    """The stream to write, once."""
    if self.stream_taken:
        raise WitError
    self.stream_taken = True
    return self.pipe


@types.function("[static]outgoing-body.finish")
def body_finish(_state: WasiState, this: OutgoingBody, trailers: Fields | None) -> None:
    """End the body. Trailers cannot be sent over the client library, which is an error rather than a loss."""
    if trailers is not None and trailers.entries():
        this.pipe.abandon()
        raise WitError(("HTTP-request-trailer-section-size", 0))
    try:
        this.pipe.finish()
    except HttpError as error:
        raise WitError(error.variant) from None


@types.function("[method]future-incoming-response.subscribe")
def future_subscribe(_state: WasiState, self: FutureIncomingResponse) -> Pollable:
    """Ready when `get` has an answer."""
    return pollable_of(self)


@types.function("[method]future-incoming-response.get")
def future_get(_state: WasiState, self: FutureIncomingResponse) -> Ok | Err | None:
    """The answer or the error, once it is there; an outer error from the second time on."""
    if self.result is None:
        return None
    if self.taken:
        return Err()
    self.taken = True
    return Ok(Err(self.result.variant) if isinstance(self.result, HttpError) else Ok(self.result))


@types.function("[method]incoming-response.status")
def response_status(_state: WasiState, self: IncomingResponse) -> int:
    """The status code."""
    return self.status


@types.function("[method]incoming-response.headers")
def response_headers(_state: WasiState, self: IncomingResponse) -> Fields:
    """The headers, immutable."""
    return self.headers.frozen()


@types.function("[method]incoming-response.consume")
def response_consume(_state: WasiState, self: IncomingResponse) -> IncomingBody:
    """The body, once."""
    if self.consumed:
        raise WitError
    self.consumed = True
    return IncomingBody(self.exchange)


@types.function("[method]incoming-body.stream")
def incoming_stream(_state: WasiState, self: IncomingBody) -> InputStream:
    """The stream to read, once."""
    if self.stream_taken:
        raise WitError
    self.stream_taken = True
    return self.exchange.body


@types.function("[static]incoming-body.finish")
def incoming_finish(_state: WasiState, this: IncomingBody) -> FutureTrailers:
    """Read no more of the body; what follows it."""
    return FutureTrailers(this.exchange)


@types.function("[method]future-trailers.subscribe")
def trailers_subscribe(_state: WasiState, self: FutureTrailers) -> Pollable:
    """Ready when the body has ended."""
    return pollable_of(self.exchange.body.end_reached)


@types.function("[method]future-trailers.get")
def trailers_get(_state: WasiState, self: FutureTrailers) -> Ok | Err | None:
    """No trailers, or why the body broke off, once it has ended; an outer error from the second time on."""
    if not self.exchange.body.ended:
        return None
    if self.taken:
        return Err()
    self.taken = True
    error = self.exchange.body.error
    return Ok(Ok() if error is None else Err(error.variant))


# outgoing-response: a guest may make one, though nobody waits for it


@types.function("[constructor]outgoing-response")
def outgoing_response_new(_state: WasiState, headers: Fields) -> OutgoingResponse:
    """A response with status 200 and these headers."""
    return OutgoingResponse(headers)


@types.function("[method]outgoing-response.status-code")
def outgoing_status(_state: WasiState, self: OutgoingResponse) -> int:
    """The status code."""
    return self.status


@types.function("[method]outgoing-response.set-status-code")
def outgoing_set_status(_state: WasiState, self: OutgoingResponse, status: int) -> None:
    """Set the status code; an error if it is none."""
    if not MIN_STATUS <= status <= MAX_STATUS:
        raise WitError
    self.status = status


def _never(_state: WasiState, *_arguments: Any) -> NoReturn:
    raise RuntimeError("a guest called a method of a resource that the host never hands out")


# Components import these beside what they use; see IncomingRequest and ResponseOutparam.
for _name in ("method", "path-with-query", "scheme", "authority", "headers", "consume"):
    types.function(f"[method]incoming-request.{_name}")(_never)
types.function("[static]response-outparam.set")(_never)
types.function("[method]response-outparam.send-informational")(_never)
