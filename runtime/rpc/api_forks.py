"""The methods that make forks. Translation only; `runtime.vms.host` and `runtime.sessions.transcript.forks` do the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta, Struct

from runtime.api import names
from runtime.api.errors import ErrorCode
from runtime.api.names import with_vm_as_given
from runtime.api.types import MAX_INT, Fault, Params, SessionParams, Timestamp, VmName, VmParams, name_faults
from runtime.rpc.api_sessions import NO_SUCH, SessionInfo
from runtime.rpc.api_vms import VmInfo
from runtime.rpc.methods import Call, MethodTable

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS: Final = MethodTable()

EventSeq = Annotated[int, Meta(ge=0, le=MAX_INT, description="the seq of an event")]


class ForkPoint(Params):
    """An event of a session."""

    session_id: str
    seq: EventSeq


class VmFork(VmParams):
    """The VM, the name of its fork, and the event after which the fork begins, if that is not now."""

    to: VmName
    at: ForkPoint | None = None

    def faults(self) -> Iterator[Fault]:
        """Also those of the fork's name."""
        yield from super().faults()
        yield from name_faults("/to", self.to)


class ForkSession(SessionParams):
    """The session, the last event to keep if that is not the last one, and the VM to fork to if it is not to stay here."""

    at: EventSeq | None = None
    to: VmName | None = None

    def faults(self) -> Iterator[Fault]:
        """Also those of the fork's name."""
        yield from super().faults()
        yield from name_faults("/to", self.to)


class FilesAt(Struct, rename="camel", kw_only=True):
    """The snapshot that a fork's files are from: that of the last turn which had ended at the event of the fork."""

    session_id: str
    seq: int
    created_at: Timestamp


class VmForked(VmInfo):
    """A fork. `filesAt` says of which moment its files are, when an event was given."""

    files_at: FilesAt | None = None


class SessionForked(SessionInfo):
    """A session that has no agent yet, and the VM that it is in."""

    vm: VmName
    files_at: FilesAt | None = None


@METHODS.method(
    "vm.fork",
    VmFork,
    VmForked,
    "Make a new VM, asleep, with the sessions and files of this one as they are, or as they were after an event.",
    *NO_SUCH,
    ErrorCode.VM_CONFLICT,
    ErrorCode.INVALID_ARGUMENT,
)
async def _fork(call: Call, params: VmFork) -> Any:
    at = None if params.at is None else (params.at.session_id, params.at.seq)
    return with_vm_as_given(await call.host.fork(params.vm_name, names.joined(params.to), at))


@METHODS.method(
    "forkSession",
    ForkSession,
    SessionForked,
    "Make a session with the history of another: a new one in its VM, or the same in a fork of the VM.",
    *NO_SUCH,
    ErrorCode.VM_CONFLICT,
    ErrorCode.INVALID_ARGUMENT,
)
async def _fork_session(call: Call, params: ForkSession) -> Any:
    to = None if params.to is None else names.joined(params.to)
    return with_vm_as_given(await call.host.fork_session(params.vm_name, params.session_id, params.at, to))
