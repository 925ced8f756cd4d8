"""How a method of `runtime.api.methods` gets what answers it: each `api_*` module has the handlers of some."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from runtime.api.events import PROGRESS
from runtime.api.types import Params
from runtime.rpc.messages import notification_line
from runtime.rpc.outbox import Flow

if TYPE_CHECKING:
    from runtime.api.method import Method
    from runtime.rpc.service import Service
    from runtime.rpc.subscriptions import Subscriptions
    from runtime.vms.host import Host

P = TypeVar("P", bound=Params)


@attrs.define(eq=False)
class Call:
    """The values that a handler gets besides its params."""

    host: Host
    service: Service
    subscriptions: Subscriptions
    """Those of the connection that the request came in on."""
    afterwards: list[Callable[[], None]] = attrs.field(factory=list)
    """Steps that the connection takes right after it has put the answer into its outbox."""

    def progress(self, token: str | None) -> Callable[[int, int], None] | None:
        """Return what sends `progress` notifications under the client's `token`; None where none are asked for.

        It never waits: to a peer that does not keep up it says nothing.
        """
        if token is None:
            return None
        outbox, flow = self.subscriptions.outbox, Flow()

        def report(done: int, total: int) -> None:
            outbox.offer(notification_line(PROGRESS, {"token": token, "done": done, "total": total}), flow)

        return report

    settle: Callable[[], Awaitable[None]] | None = None
    """An async function that the connection awaits before it answers."""


Handler = Callable[[Call, P], Awaitable[Any]]


@attrs.frozen
class Served:
    """A method of the API with what answers it."""

    method: Method[Any]
    handler: Handler[Any]


HANDLERS: Final[dict[str, Served]] = {}
"""By the method's name; filled by the `api_*` modules, which `runtime.rpc.api` imports."""


def handles(method: Method[P]) -> Callable[[Handler[P]], Handler[P]]:
    """Have the decorated function answer `method`; ValueError when there is one for it."""

    def enter(handler: Handler[P]) -> Handler[P]:
        if method.name in HANDLERS:
            raise ValueError(f"two functions answer {method.name}")
        HANDLERS[method.name] = Served(method, handler)
        return handler

    return enter
