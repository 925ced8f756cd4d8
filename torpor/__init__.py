"""Torpor's Python face: `torpor.connect()` and what goes with it. Everything is loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.client.sync import (
        Client,
        ClientError,
        ConnectError,
        ConnectionLostError,
        EndpointError,
        Notification,
        Pending,
        RpcError,
        connect,
    )

__all__ = [
    "Client",
    "ClientError",
    "ConnectError",
    "ConnectionLostError",
    "EndpointError",
    "Notification",
    "Pending",
    "RpcError",
    "connect",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'torpor' has no attribute {name!r}")
    from runtime.client import sync  # noqa: PLC0415 - so that `import torpor` costs nothing

    value = getattr(sync, name)
    globals()[name] = value
    return value
