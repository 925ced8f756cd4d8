"""The errors of both clients, the synchronous and the asynchronous one. Each has a `code`, as in the TypeScript client.

    ClientError
      ConnectError         there is no daemon, or it does not let us in: `connect_failed`
      ConnectionLostError  there was one: `connection_lost`
      RpcError             it answered with an error: what the API calls it, such as `session_not_found`

`runtime.api.endpoint.EndpointError`, an OSError, is raised for an endpoint that is none.
"""

from __future__ import annotations

from typing import Any, Final, Self

from runtime import jsonrpc

_PROTOCOL_CODES: Final = {
    jsonrpc.PARSE_ERROR: "parse_error",
    jsonrpc.INVALID_REQUEST: "invalid_request",
    jsonrpc.METHOD_NOT_FOUND: "method_not_found",
    jsonrpc.INVALID_PARAMS: "invalid_params",
    jsonrpc.INTERNAL_ERROR: "internal_error",
    jsonrpc.REQUEST_CANCELLED: "cancelled",
}
"""For JSON-RPC's own numbers, with which an answer may carry no code."""


class ClientError(Exception):
    """Anything that the client raises. `code` is the stable string to match on, the message is prose and may change."""

    code: str = "error"

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later."""
        return False

    def again(self) -> Self:
        """Return the same error for another call that it befalls: each has a traceback of its own."""
        error = type(self).__new__(type(self))
        error.args = self.args
        error.__dict__.update(self.__dict__)
        error.__cause__ = self.__cause__
        return error


class ConnectError(ClientError):
    """No daemon answers at `place`, the socket's path or the URL."""

    code = "connect_failed"

    def __init__(self, place: object, reason: str) -> None:
        super().__init__(f"no daemon answers at {place}: {reason}")
        self.place = str(place)
        self.reason = reason

    @property
    def retryable(self) -> bool:
        """A daemon may begin."""
        return True


class ConnectionLostError(ClientError):
    """The daemon closed the connection, or died."""

    code = "connection_lost"

    @property
    def retryable(self) -> bool:
        """The daemon may come back."""
        return True


class RpcError(ClientError):
    """The daemon answered with an error.

    `code` is what the API calls it, such as "session_not_found"; `rpc_code` is JSON-RPC's number, and `data` what came with it.
    """

    def __init__(self, rpc_code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.rpc_code = rpc_code
        self.message = message
        self.data = data
        named = data.get("code") if isinstance(data, dict) else None
        self.code = named if isinstance(named, str) else _PROTOCOL_CODES.get(rpc_code, "error")

    @property
    def name(self) -> str:
        """`code`: its name of before; gone after the next release."""
        return self.code

    @property
    def retryable(self) -> bool:
        """`data.retryable`: whether the same call may succeed later."""
        return isinstance(self.data, dict) and self.data.get("retryable") is True

    @classmethod
    def of(cls, error: dict[str, Any]) -> RpcError:
        """Return the exception for the `error` member of a response."""
        return cls(error["code"], error["message"], error.get("data"))
