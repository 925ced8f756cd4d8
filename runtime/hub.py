"""In-process publication: notices of committed events and other news, for the listeners of a VM.

Producers (sessions, processes, VMs) publish after the commit; a listener is a plain callback which must not wait, so
that a producer never waits for a consumer. Buffers, lag and replay are the listener's own matter
(`runtime.rpc.subscriptions`). Everything here runs on the trio thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import attrs

from runtime.file_servers import FileServers

logger = logging.getLogger(__name__)


@attrs.frozen
class Notice:
    """One thing that clients can subscribe to."""

    method: str
    """The notification's method: `sessionEvent`, `permissionRequest`, `vmState`, `agentExit`, ..."""
    vm: str
    """The VM's name."""
    session_id: str | None
    """The session concerned, None for a notice about the VM as a whole."""
    seq: int | None
    """The transcript's `seq` for a `sessionEvent`; for others the last event's, or None."""
    type: str | None
    """The type that `types` filters compare with: the store's name for a `sessionEvent`'s type, else None."""
    params: dict[str, Any]
    """The notification's params, ready to send but for `subscriptionId`. Shared by all listeners: never mutated."""
    size: int = 0
    """Bytes of an event's body; 0 for other notices, which are small."""


Listener = Callable[[Notice], None]


class Hub:
    """Hands each notice of a VM to that VM's listeners, in order of attachment."""

    def __init__(self) -> None:
        self._listeners: dict[str, dict[object, Listener]] = {}
        self._observers: list[Listener] = []
        self.file_servers = FileServers()
        """Who opens files for agents."""

    def publish(self, notice: Notice) -> None:
        """Call every listener of `notice.vm`, at once; a listener that raises is logged and hurts nobody else."""
        for observer in self._observers:
            _tell(observer, notice)
        listeners = self._listeners.get(notice.vm)
        if not listeners:
            return
        for token, listener in tuple(listeners.items()):
            if token not in listeners:  # detached by a listener before it
                continue
            _tell(listener, notice)

    def observe(self, callback: Listener) -> None:
        """Have all notices of all VMs go to `callback` as well, which must not wait."""
        self._observers.append(callback)

    def attach(self, vm: str, callback: Listener) -> Callable[[], None]:
        """Listen to the VM named `vm`, which need not exist yet; the returned function detaches (idempotent)."""
        token = object()
        self._listeners.setdefault(vm, {})[token] = callback

        def detach() -> None:
            listeners = self._listeners.get(vm)
            if listeners is not None and listeners.pop(token, None) is not None and not listeners:
                del self._listeners[vm]

        return detach


def _tell(listener: Listener, notice: Notice) -> None:
    try:
        listener(notice)
    except Exception:
        logger.exception("a listener of VM %s failed on %s", notice.vm, notice.method)
