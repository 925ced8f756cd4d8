"""The methods on the daemon and the connection: `hello`, `daemon.status`, `daemon.rotateKey`, `subscribe`, `unsubscribe`."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from runtime.api.errors import ApiError, ErrorCode
from runtime.api.types import NoParams, Params, Seq, Timestamp, VmParams
from runtime.rpc.methods import Call, MethodTable
from runtime.rpc.validation import invalid_params

METHODS: Final = MethodTable()


class Hello(Params):
    """Who calls; of use in logs only."""

    client: str | dict[str, Any] | None = None
    protocol: Literal[1] = 1


class Welcome(Struct):
    """Who answers. `epoch` is another one after each start of the daemon: live subscriptions do not outlast it."""

    server: str
    version: str
    protocol: int
    capabilities: list[str]
    limits: dict[str, int]
    epoch: str


class DaemonStatus(Struct, rename="camel", kw_only=True):
    """A daemon, for people who look after it."""

    pid: int
    version: str
    epoch: str
    socket: str
    http: str | None
    state: str
    durability: str
    started_at: Timestamp
    memory_bytes: int
    max_memory_bytes: int | None
    connections: int
    subscriptions: int
    requests: int
    vms: int
    awake: int
    sessions: int
    processes: int
    busy: int
    secrets: int
    log: str
    idle_exit_seconds: float | None
    activated: bool
    managed: bool
    supervisor: int | None
    arguments: list[str]


class Subscribe(VmParams):
    """What to hear; `types` names events' types and notifications' methods. `after` needs `sessionId`."""

    session_id: str | None = None
    after: Seq | None = None
    types: Annotated[list[str], Meta(max_length=1000)] | None = None


class Subscribed(Struct, rename="camel"):
    """The new subscription."""

    subscription_id: str
    epoch: str


class Unsubscribe(Params):
    """Which subscription of this connection."""

    subscription_id: str


class RotatedKey(Struct):
    """How many sessions' environments are sealed with the new key, and how many the old one did not open."""

    resealed: int
    unreadable: int


@METHODS.method("hello", Hello, Welcome, "Introduce the client; optional, and answered at any time.")
async def _hello(call: Call, _params: Hello) -> Any:
    return call.server.welcome()


@METHODS.method("daemon.status", NoParams, DaemonStatus, "Tell about the daemon: process, connections, VMs.")
async def _status(call: Call, _params: NoParams) -> Any:
    return {**call.server.status(), **call.host.status()}


@METHODS.method(
    "daemon.rotateKey",
    NoParams,
    RotatedKey,
    "Make a new key for the environments of all sessions, and seal them with it: all or none.",
    ErrorCode.IO_ERROR,
)
async def _rotate_key(call: Call, _params: NoParams) -> Any:
    return await call.host.rotate_key()


@METHODS.method(
    "subscribe",
    Subscribe,
    Subscribed,
    "Hear a VM or a session: first the replay after `after`, then live, without a gap or a duplicate.",
    ErrorCode.VM_NOT_FOUND,
    ErrorCode.SESSION_NOT_FOUND,
    ErrorCode.LIMIT_EXCEEDED,
)
async def _subscribe(call: Call, params: Subscribe) -> Any:
    vm = params.vm_name
    if params.session_id is None:
        if params.after is not None:
            raise invalid_params(("/after", "a replay is of one session: sessionId is missing"))
        await call.host.get(vm)
    else:
        await call.host.session_events(vm, params.session_id, limit=0)
    subscription_id = call.subscriptions.reserve()
    start = partial(call.subscriptions.start, subscription_id, vm, params.session_id, params.after, params.types)
    call.afterwards.append(start)
    return Subscribed(subscription_id, call.server.epoch)


@METHODS.method(
    "unsubscribe", Unsubscribe, dict[str, Any], "End a subscription of this connection.", ErrorCode.NOT_FOUND
)
async def _unsubscribe(call: Call, params: Unsubscribe) -> Any:
    if not call.subscriptions.drop(params.subscription_id):
        raise ApiError(ErrorCode.NOT_FOUND, f"no subscription {params.subscription_id} on this connection")
    return {}
