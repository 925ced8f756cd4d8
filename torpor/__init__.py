"""Torpor's Python face: `connect()` for trio and asyncio, `connect_sync()`, and `vm()`. Everything is loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.api.endpoint import EndpointError
    from runtime.api.files import FileStat
    from runtime.api.many_files import DirEntry, FileWritten, TreeEntry
    from runtime.api.past import FilesDiff, Snapshot
    from runtime.api.sessions import SessionEvent, SessionInfo
    from runtime.api.settings import Settings
    from runtime.api.turns import PromptResult
    from runtime.client.client import Client, connect
    from runtime.client.errors import ClientError, ConnectError, ConnectionLostError, RpcError
    from runtime.client.generated.types import FileRead, ProcessInfo, ProcessResult, SessionRow
    from runtime.client.notification import Notification
    from runtime.client.subscription import Subscription
    from runtime.client.subscription import Subscription as Connection
    from runtime.client.sync import Client as SyncClient
    from runtime.client.sync import Pending, vm
    from runtime.client.sync import connect as connect_sync
    from runtime.client.sync_vm import Vm as SyncVm
    from runtime.client.vm import Vm

__all__ = [
    "Client",
    "ClientError",
    "ConnectError",
    "Connection",
    "ConnectionLostError",
    "DirEntry",
    "EndpointError",
    "FileRead",
    "FileStat",
    "FileWritten",
    "FilesDiff",
    "Notification",
    "Pending",
    "ProcessInfo",
    "ProcessResult",
    "PromptResult",
    "RpcError",
    "SessionEvent",
    "SessionInfo",
    "SessionRow",
    "Settings",
    "Snapshot",
    "Subscription",
    "SyncClient",
    "SyncVm",
    "TreeEntry",
    "Vm",
    "connect",
    "connect_sync",
    "vm",
]

_PLACES = {
    "api.endpoint": ("EndpointError",),
    "api.files": ("FileStat",),
    "api.many_files": ("DirEntry", "FileWritten", "TreeEntry"),
    "api.past": ("FilesDiff", "Snapshot"),
    "api.sessions": ("SessionEvent", "SessionInfo"),
    "api.settings": ("Settings",),
    "api.turns": ("PromptResult",),
    "client.client": ("Client", "connect"),
    "client.errors": ("ClientError", "ConnectError", "ConnectionLostError", "RpcError"),
    "client.notification": ("Notification",),
    "client.generated.types": ("FileRead", "ProcessInfo", "ProcessResult", "SessionRow"),
    "client.subscription": ("Subscription",),
    "client.sync": ("Pending", "vm"),
    "client.vm": ("Vm",),
}
_FOUND = {name: (module, name) for module, names in _PLACES.items() for name in names} | {
    "SyncClient": ("client.sync", "Client"),
    "SyncVm": ("client.sync_vm", "Vm"),
    "connect_sync": ("client.sync", "connect"),
    "Connection": ("client.subscription", "Subscription"),  # its name of before; gone after the next release
}


def __getattr__(name: str) -> Any:
    if name not in _FOUND:
        raise AttributeError(f"module 'torpor' has no attribute {name!r}")
    module, attribute = _FOUND[name]
    value = getattr(import_module(f"runtime.{module}"), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
