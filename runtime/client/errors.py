"""The errors of both clients, the synchronous and the asynchronous one.

    ClientError
      ConnectError         there is no daemon, or it does not let us in
      ConnectionLostError  there was one
      RpcError             it answered with an error

`runtime.api.endpoint.EndpointError`, an OSError, is raised for an endpoint that is none.
"""

from __future__ import annotations

from typing import Any


class ClientError(Exception):
    """Anything that the client raises."""


class ConnectError(ClientError):
    """No daemon answers at `place`, the socket's path or the URL."""

    def __init__(self, place: object, reason: str) -> None:
        super().__init__(f"no daemon answers at {place}: {reason}")
        self.place = str(place)
        self.reason = reason


class ConnectionLostError(ClientError):
    """The daemon closed the connection, or died."""


class RpcError(ClientError):
    """The daemon answered with an error.

    `code` is JSON-RPC's number, `data` what came with it; `name` is the stable string to match on, such as
    "session_not_found", or None for errors of the protocol that have none.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    @property
    def name(self) -> str | None:
        """`data.code`."""
        return self.data.get("code") if isinstance(self.data, dict) else None

    @property
    def retryable(self) -> bool:
        """`data.retryable`: whether the same call may succeed later."""
        return isinstance(self.data, dict) and self.data.get("retryable") is True

    @classmethod
    def of(cls, error: dict[str, Any]) -> RpcError:
        """Return the exception for the `error` member of a response."""
        return cls(error["code"], error["message"], error.get("data"))
