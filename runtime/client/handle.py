"""A VM by name, and how its methods are called: what the groups of methods of `runtime.client.vm` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from runtime.client.client import Client

T = TypeVar("T")
Name = str | list[str]
Json = dict[str, Any]


class Handle:
    """A VM that is, with `create`, made by the first call."""

    def __init__(self, client: Client, name: Name, options: Json | None, *, create: bool) -> None:
        self.client = client
        self.name = name
        self._options = options
        self._create = create
        self._ready = not create

    async def ready(self) -> None:
        """Have the VM made, if that has not been done and is meant."""
        if not self._ready:
            await self.client.call("vm.getOrCreate", vm=self.name, options=self._options)
            self._ready = True

    async def call(self, method: str, /, **params: Any) -> Any:
        """Call any method of the API that takes `vm`."""
        await self.ready()
        return await self.client.call(method, vm=self.name, **params)

    async def _typed(self, kind: type[T], method: str, /, **params: Any) -> T:
        return msgspec.convert(await self.call(method, **params), kind)


def built(kind: type[T], told: Json) -> T:
    """Return a record whose members are values already, such as `str | bytes`, which msgspec does not convert to."""
    fields = msgspec.structs.fields(kind)  # type: ignore[arg-type]  # of records alone
    return kind(**{field.name: told[field.encode_name] for field in fields if field.encode_name in told})
