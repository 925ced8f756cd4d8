"""Methods on the daemon and the connection: what they take and return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from runtime.api.errors import ErrorCode
from runtime.api.limits import MAX_TYPES
from runtime.api.method import Method
from runtime.api.types import Fault, NoParams, Params, Seq, Timestamp, VmParams, doc


class Hello(Params):
    """Who calls; of use in logs only."""

    client: Annotated[
        str | dict[str, Any] | None, doc("Who calls: a name, or an object of the client's own. Only logs use it.")
    ] = None
    protocol: Annotated[Literal[1], doc("The version of this API that the client speaks.")] = 1


class Welcome(Struct, frozen=True):
    """Who answers. `epoch` is another one after each start of the daemon: live subscriptions do not outlast it."""

    server: Annotated[str, doc("Always `torpor`.")]
    version: Annotated[str, doc("The version of the daemon.")]
    protocol: Annotated[int, doc("The version of this API that the daemon speaks.")]
    capabilities: Annotated[list[str], doc("The parts of the API that this daemon serves.")]
    limits: Annotated[dict[str, int], doc("Caps that a client may want to know, by name.")]
    epoch: Annotated[
        str, doc("Names this run of the daemon: another one after each start. Subscriptions do not outlast it.")
    ]


class DaemonStatus(Struct, frozen=True, rename="camel", kw_only=True):
    """A daemon, for people who look after it."""

    pid: Annotated[int, doc("The process.")]
    version: Annotated[str, doc("The version of the daemon.")]
    epoch: Annotated[
        str, doc("Names this run of the daemon: another one after each start. Subscriptions do not outlast it.")
    ]
    socket: Annotated[str, doc("The Unix socket that is served.")]
    http: Annotated[str | None, doc("The URL that is served besides; null without `--http`.")]
    state: Annotated[str, doc("The state file.")]
    durability: Annotated[
        str, doc("What outlives a power cut: `power`, all that was answered, or `process`, all but the last second.")
    ]
    started_at: Annotated[Timestamp, doc("When it began, in milliseconds since the epoch.")]
    memory_bytes: Annotated[int, doc("Memory that it shares with nobody, all guests included.")]
    max_memory_bytes: Annotated[
        int | None, doc("Above so much of `memoryBytes` no other guest starts; null without a bound.")
    ]
    connections: Annotated[int, doc("Clients that are connected.")]
    subscriptions: Annotated[int, doc("Subscriptions of all connections.")]
    requests: Annotated[int, doc("Requests under way, this one included.")]
    vms: Annotated[int, doc("All VMs.")]
    awake: Annotated[int, doc("Those that are awake.")]
    sessions: Annotated[int, doc("Sessions whose agent is in memory.")]
    processes: Annotated[int, doc("Guests in memory.")]
    busy: Annotated[int, doc("VMs in which something goes on: a turn, a request for permission, a command.")]
    secrets: Annotated[int, doc("Sessions whose secrets are in its memory alone, and would be asked for again.")]
    log: Annotated[str, doc("Its log.")]
    idle_exit_seconds: Annotated[float | None, doc("How long it may be idle before it ends; null: for ever.")]
    activated: Annotated[bool, doc("Whether systemd has passed the socket.")]
    managed: Annotated[bool, doc("Whether systemd wants to know how it does.")]
    supervisor: Annotated[
        int | None,
        doc("The process that starts it again when it dies; null where there is none, or systemd does that."),
    ]
    arguments: Annotated[list[str], doc("What it was started with.")]


class Subscribe(VmParams):
    """What to hear; `types` names events' types and notifications' methods. `after` needs `sessionId`."""

    session_id: Annotated[str | None, doc("The session to hear; the whole VM when left out.")] = None
    after: Annotated[
        Seq | None, doc("Replay the session's events after this position first; -1 replays all. Needs `sessionId`.")
    ] = None
    types: Annotated[
        Annotated[list[str], Meta(max_length=MAX_TYPES)] | None,
        doc("Only events of these types: the names of ACP's updates, or of methods. All when left out."),
    ] = None

    def faults(self) -> Iterator[Fault]:
        """Also a replay of a whole VM."""
        yield from super().faults()
        if self.session_id is None and self.after is not None:
            yield "/after", "a replay is of one session: sessionId is missing"


class Subscribed(Struct, frozen=True, rename="camel"):
    """The new subscription."""

    subscription_id: Annotated[str, doc("The subscription, as `subscribe` answered it; it is of this connection only.")]
    epoch: Annotated[
        str, doc("Names this run of the daemon: another one after each start. Subscriptions do not outlast it.")
    ]


class Unsubscribe(Params):
    """Which subscription of this connection."""

    subscription_id: Annotated[str, doc("The subscription, as `subscribe` answered it; it is of this connection only.")]


class RotatedKey(Struct, frozen=True):
    """How many sessions' environments are sealed with the new key, and how many the old one did not open."""

    resealed: Annotated[int, doc("How many sessions' environments are sealed with the new key.")]
    unreadable: Annotated[int, doc("How many the old key did not open; they stay as they are.")]


HELLO: Final = Method(
    "hello",
    Hello,
    Welcome,
    "Introduce the client; optional, and answered at any time.",
)

STATUS: Final = Method(
    "daemon.status",
    NoParams,
    DaemonStatus,
    "Tell about the daemon: process, connections, VMs.",
)

ROTATE_KEY: Final = Method(
    "daemon.rotateKey",
    NoParams,
    RotatedKey,
    "Make a new key for the environments of all sessions, and seal them with it: all or none.",
    errors=(ErrorCode.IO_ERROR,),
)

SUBSCRIBE: Final = Method(
    "subscribe",
    Subscribe,
    Subscribed,
    "Hear a VM or a session: first the replay after `after`, then live, without a gap or a duplicate.",
    errors=(
        ErrorCode.VM_NOT_FOUND,
        ErrorCode.SESSION_NOT_FOUND,
        ErrorCode.LIMIT_EXCEEDED,
    ),
)

UNSUBSCRIBE: Final = Method(
    "unsubscribe",
    Unsubscribe,
    dict[str, Any],
    "End a subscription of this connection.",
    errors=(ErrorCode.NOT_FOUND,),
)
