"""The methods on agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api import agents as api
from runtime.api import names
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.agents import AddAgent, CheckAgent, ListAgents, RemoveAgent


@handles(api.LIST)
async def _list(call: Call, params: ListAgents) -> Any:
    return await call.host.queries.list_agents(None if params.vm is None else names.joined(params.vm))


@handles(api.ADD)
async def _add(call: Call, params: AddAgent) -> Any:
    return await call.host.add_agent(params.path, params.name)


@handles(api.CHECK)
async def _check(call: Call, params: CheckAgent) -> Any:
    return await call.host.check_agent(params.path)


@handles(api.REMOVE)
async def _remove(call: Call, params: RemoveAgent) -> Any:
    await call.host.added_agents.remove(params.name)
    return {}
