"""wasi:http (WASI 0.2): the interfaces that guests may import. Requests go through the VM's `runtime.network.HttpGate`."""

from __future__ import annotations

from typing import Final

from runtime.wasi.http_handler import outgoing_handler
from runtime.wasi.http_types import types

INTERFACES: Final = (types, outgoing_handler)
