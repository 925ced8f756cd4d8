"""Hosts that are parts of the runtime: requests to them are answered in this process, and no socket is opened.

What a guest reaches only over HTTP, and what only the host can do for it, meet here. A gate knows the internal hosts of the
one process that it was made for (`HttpGate.with_internal`); nobody else reaches them. All lie in `DOMAIN`, whose names
never go to DNS: a name there that a gate does not know is denied, whatever the policy says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from runtime.network.connections import GateRequest, GateResponse

DOMAIN: Final = ".torpor.internal"
"""`internal` is a top-level domain that ICANN has set aside for private use (2024)."""

SCHEME: Final = "http"
PORT: Final = 80


class InternalHost(Protocol):
    """Answers the requests to one internal host, at `SCHEME` and `PORT`."""

    def answer(self, request: GateRequest) -> AbstractAsyncContextManager[GateResponse]:
        """Answer a request: see `HttpGate.send`. Bounds by itself what a guest may send and leave waiting."""


def is_internal(host: str) -> bool:
    """Whether a host, in canonical form, is or would be internal."""
    return host.endswith(DOMAIN)
