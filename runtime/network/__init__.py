"""The guests' way out: which hosts they may reach, and the HTTP client that holds them to it."""

from __future__ import annotations

from runtime.network.connections import GateRequest, GateResponse, HttpExchange, Timeouts
from runtime.network.egress import Egress, Placeholder
from runtime.network.errors import HttpError
from runtime.network.gate import HttpGate
from runtime.network.internal import InternalHost
from runtime.network.policy import NetworkPolicy

__all__ = [
    "Egress",
    "GateRequest",
    "GateResponse",
    "HttpError",
    "HttpExchange",
    "HttpGate",
    "InternalHost",
    "NetworkPolicy",
    "Placeholder",
    "Timeouts",
]
