"""The shape of the method table: the one source of the dispatcher, of params checking and of `rpc.discover`.

Each `api_*` module fills a `MethodTable`; `runtime.rpc.api` joins them to the one that is served.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from runtime.api.types import Params
from runtime.rpc.framing import Flow
from runtime.rpc.messages import notification_line

if TYPE_CHECKING:
    from runtime.api.errors import ErrorCode
    from runtime.rpc.facade import HostFace
    from runtime.rpc.server import Server
    from runtime.rpc.subscriptions import Subscriptions

P = TypeVar("P", bound=Params)


@attrs.define(eq=False)
class Call:
    """What a handler has at hand besides its params."""

    host: HostFace
    server: Server
    subscriptions: Subscriptions
    """Those of the connection that the request came in on."""
    afterwards: list[Callable[[], None]] = attrs.field(factory=list)
    """What the connection is to do right after the answer has been put into its outbox."""

    def progress(self, token: str | None) -> Callable[[int, int], None] | None:
        """Return what sends `progress` notifications under the client's `token`; None where none are asked for.

        It never waits: to a peer that does not keep up it says nothing.
        """
        if token is None:
            return None
        outbox, flow = self.subscriptions.outbox, Flow()

        def report(done: int, total: int) -> None:
            outbox.offer(notification_line("progress", {"token": token, "done": done, "total": total}), flow)

        return report

    settle: Callable[[], Awaitable[None]] | None = None
    """What the connection is to wait for before it answers."""


Handler = Callable[[Call, P], Awaitable[Any]]


@attrs.frozen
class Method:
    """One method of the API."""

    name: str
    params: type[Params]
    result: Any
    """The type of the result, for the document; handlers' answers are not checked against it at run time."""
    summary: str
    errors: tuple[ErrorCode, ...]
    """The application errors that are particular to it."""
    settles: bool
    """Whether the answer must come after every event of its session that was committed before it."""
    handler: Callable[[Call, Any], Awaitable[Any]]


class MethodTable:
    """Methods by name, in the order of their definition."""

    def __init__(self) -> None:
        self._methods: dict[str, Method] = {}

    def method(
        self, name: str, params: type[P], result: Any, summary: str, *errors: ErrorCode, settles: bool = False
    ) -> Callable[[Handler[P]], Handler[P]]:
        """Enter the decorated handler as method `name`."""

        def enter(handler: Handler[P]) -> Handler[P]:
            self.add(Method(name, params, result, summary, errors, settles, handler))
            return handler

        return enter

    def add(self, method: Method) -> None:
        """Enter `method`; ValueError when the name is taken."""
        if method.name in self._methods:
            raise ValueError(f"two methods are called {method.name}")
        self._methods[method.name] = method

    def get(self, name: str) -> Method | None:
        """Return the method called `name`, if there is one."""
        return self._methods.get(name)

    def __iter__(self) -> Iterator[Method]:
        return iter(self._methods.values())

    def __len__(self) -> int:
        return len(self._methods)
