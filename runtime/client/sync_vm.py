"""VMs as objects for the synchronous client: the asynchronous client's own methods, run to their end over its connection.

These never wait for anything but the answers to their calls, and here a call returns with its answer: so each of them ends
without ever being suspended, and no event loop is needed. There is no second list of methods.
"""

from __future__ import annotations

from inspect import iscoroutine
from typing import TYPE_CHECKING, Any, cast

from runtime.client.connection import Connection
from runtime.client.vm import Vm, Vms

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from runtime.client.client import Client as AsyncClient
    from runtime.client.sync import Client


def vms_of(client: Client) -> Plain:
    """`client.vm`: the methods of `runtime.client.vm.Vms`."""
    return Plain(Vms(cast("AsyncClient", _Calls(client))))


class Plain:
    """An object of the asynchronous client whose methods are called without `await`; what they return is so, too."""

    def __init__(self, target: Vm | Vms) -> None:
        self._target = target

    def __repr__(self) -> str:
        return f"<{type(self._target).__name__} {getattr(self._target, 'name', '')!r} without await>"

    def __dir__(self) -> list[str]:
        return [name for name in dir(self._target) if not name.startswith("_")]

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        if not callable(attribute):
            return attribute

        def call(*args: Any, **options: Any) -> Any:
            value = attribute(*args, **options)
            if isinstance(value, Connection):
                raise TypeError("call `subscribe` and read `notifications()` of the client instead")
            if iscoroutine(value):
                value = _run(value)
            return Plain(value) if isinstance(value, Vm) else value

        return call


class _Calls:
    """The synchronous client in the place of the asynchronous one, as far as VMs need it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, method: str, /, **params: Any) -> Any:
        return self._client.call(method, **params)

    async def link(self) -> _Link:
        return _Link(self._client)


class _Link:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, method: str, members: dict[str, Any]) -> Any:
        return self._client.call(method, **members)


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise RuntimeError("the method waited for something else than an answer")
