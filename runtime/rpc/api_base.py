"""The methods on the commands of the base system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api import base as api
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.base import AddCommand, RemoveCommand
    from runtime.api.types import NoParams


@handles(api.ADD)
async def _add(call: Call, params: AddCommand) -> Any:
    return await call.host.add_command(params.path, params.name)


@handles(api.LIST)
async def _list(call: Call, _params: NoParams) -> Any:
    return call.host.base_system.list()


@handles(api.REMOVE)
async def _remove(call: Call, params: RemoveCommand) -> Any:
    await call.host.base_system.remove(params.name)
    return {}
