"""The methods on the daemon and the connection: `hello`, `daemon.status`, `daemon.rotateKey`, `subscribe`, `unsubscribe`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from runtime.api import daemon
from runtime.api.daemon import Hello, Subscribe, Subscribed, Unsubscribe, Welcome
from runtime.api.defaults import PROTOCOL
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.limits import MAX_LINE, MAX_RESPONSE
from runtime.rpc.connection import MAX_IN_FLIGHT
from runtime.rpc.methods import Call, handles
from runtime.rpc.subscriptions import MAX_SUBSCRIPTIONS

if TYPE_CHECKING:
    from runtime.api.types import NoParams

CAPABILITIES: Final = [
    "vms",
    "sessions",
    "events",
    "subscriptions",
    "permissions",
    "options",
    "files",
    "processes",
    "raw",
]


@handles(daemon.HELLO)
async def _hello(call: Call, _params: Hello) -> Any:
    service = call.service
    limits = {
        "maxLineBytes": MAX_LINE,
        "maxResponseBytes": MAX_RESPONSE,
        "maxRequestsInFlight": MAX_IN_FLIGHT,
        "maxSubscriptions": MAX_SUBSCRIPTIONS,
        "maxConnectionBytes": service.budget.limit,
    }
    return Welcome("torpor", service.version, PROTOCOL, CAPABILITIES, limits, service.epoch)


@handles(daemon.STATUS)
async def _status(call: Call, _params: NoParams) -> Any:
    return {**call.service.status(), **call.host.status()}


@handles(daemon.ROTATE_KEY)
async def _rotate_key(call: Call, _params: NoParams) -> Any:
    return await call.host.rotate_key()


@handles(daemon.SUBSCRIBE)
async def _subscribe(call: Call, params: Subscribe) -> Any:
    vm = params.vm_name
    if params.session_id is None:
        await call.host.queries.get(vm)
    else:
        await call.host.queries.session_events(vm, params.session_id, limit=0)
    subscription_id = call.subscriptions.reserve()
    start = partial(call.subscriptions.start, subscription_id, vm, params.session_id, params.after, params.types)
    call.afterwards.append(start)
    return Subscribed(subscription_id, call.service.epoch)


@handles(daemon.UNSUBSCRIBE)
async def _unsubscribe(call: Call, params: Unsubscribe) -> Any:
    if not call.subscriptions.drop(params.subscription_id):
        raise ApiError(ErrorCode.NOT_FOUND, f"no subscription {params.subscription_id} on this connection")
    return {}
