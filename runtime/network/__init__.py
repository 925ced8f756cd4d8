"""The guests' way out: which hosts they may reach, and the HTTP client that holds them to it.

policy       which hosts a guest may reach: pure decisions on names and addresses
gate         what a guest may send, decided before anything leaves
egress       what a session adds to its VM's gate: placeholders for secrets, an observer
internal     hosts that are answered in this process
connections  requests on the wire, and answers that stream
authorities  who vouches for hosts
backend      connections to checked addresses only
errors       why a request failed, in wasi:http's words
"""

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
