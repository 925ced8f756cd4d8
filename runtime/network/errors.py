"""Why an HTTP request of a guest failed, in the words of wasi:http's `error-code` variant.

Failures of sockets, TLS and the HTTP library are brought to this one exception by `from_cause`, which looks through the
chain of causes, since httpcore wraps what trio wraps what the operating system said.
"""

from __future__ import annotations

import errno
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final

import h11
import httpcore
import trio

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADERS_TOO_LARGE: Final = 431
"""RFC 6585, 5; the status that h11 hints at when a header section exceeds its limit."""


class HttpError(Exception):
    """A request failed. `code` is a case of wasi:http/types.error-code, `payload` what that case carries.

    The message is for the log; it names neither headers nor bodies.
    """

    def __init__(self, code: str, payload: Any = None, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.payload = payload

    @property
    def variant(self) -> tuple[str, Any]:
        """The error as a value of the variant."""
        return self.code, self.payload


def denied(message: str) -> HttpError:
    """Return the error for a destination that no grant names."""
    return HttpError("HTTP-request-denied", message=message)


def from_cause(error: BaseException) -> HttpError:
    """Return what a failure of the network or of the HTTP library means to the guest."""
    causes = list(_chain(error))
    for cause in causes:
        found = _from_system(cause)
        if found is not None:
            return found
    return _from_library(error)


def _from_system(cause: BaseException) -> HttpError | None:
    match cause:
        case HttpError():
            return cause
        case socket.gaierror():
            # rcode is a name of the DNS' registry; the resolver only tells its own, such as "EAI_NONAME".
            return HttpError("DNS-error", (None, None), str(cause))
        case ssl.SSLCertVerificationError():
            return HttpError("TLS-certificate-error", message=cause.verify_message)
        case ssl.SSLError():
            return HttpError("TLS-protocol-error", message=cause.reason or "")
        case OSError() if cause.errno in (errno.EMFILE, errno.ENFILE):
            return HttpError("connection-limit-reached")
        case ConnectionRefusedError():
            return HttpError("connection-refused")
        case h11.RemoteProtocolError() if cause.error_status_hint == HEADERS_TOO_LARGE:
            return HttpError("HTTP-response-header-section-size", None)
        case h11.RemoteProtocolError() if "without sending complete message body" in str(cause):
            return HttpError("HTTP-response-incomplete")
        case _:
            return None


def _from_library(error: BaseException) -> HttpError:
    match error:
        case httpcore.ConnectTimeout() | trio.TooSlowError():
            return HttpError("connection-timeout")
        case httpcore.ReadTimeout():
            return HttpError("connection-read-timeout")
        case httpcore.WriteTimeout():
            return HttpError("connection-write-timeout")
        case httpcore.PoolTimeout():
            return HttpError("connection-limit-reached")
        case httpcore.ConnectError():
            return HttpError("destination-unavailable", message=str(error))
        case httpcore.NetworkError():
            return HttpError("connection-terminated")
        case httpcore.RemoteProtocolError() if "without sending a response" in str(error):
            return HttpError("connection-terminated")
        case httpcore.RemoteProtocolError():
            return HttpError("HTTP-protocol-error", message=str(error))
        case httpcore.LocalProtocolError() | h11.LocalProtocolError():
            return HttpError("HTTP-protocol-error", message=str(error))
        case _:
            return HttpError("internal-error", str(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):  # trio's attempts to connect, a single one here
            current = current.exceptions[0]
            continue
        current = current.__cause__ or current.__context__
