"""Methods that make forks: what they take and return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from runtime.api.errors import ErrorCode
from runtime.api.limits import MAX_INT
from runtime.api.method import Method
from runtime.api.sessions import NO_SUCH, SessionInfo
from runtime.api.types import Fault, Params, SessionParams, Timestamp, VmName, VmParams, doc, name_faults
from runtime.api.vms import VmInfo

EventSeq = Annotated[int, Meta(ge=0, le=MAX_INT, description="the seq of an event")]


class ForkPoint(Params):
    """An event of a session."""

    session_id: Annotated[str, doc("The session's public id, which stays the same for the session's whole life.")]
    seq: Annotated[EventSeq, doc("The event's position in its transcript, from 0, without gaps.")]


class VmFork(VmParams):
    """The VM, the name of its fork, and the event after which the fork begins, if that is not now."""

    to: Annotated[VmName, doc("The name of the VM that the fork is to be.")]
    at: Annotated[ForkPoint | None, doc("The event after which the fork begins; now when left out.")] = None

    def faults(self) -> Iterator[Fault]:
        """Also those of the fork's name."""
        yield from super().faults()
        yield from name_faults("/to", self.to)


class ForkSession(SessionParams):
    """The session, the last event to keep if that is not the last one, and the VM to fork to if it is not to stay here."""

    at: Annotated[EventSeq | None, doc("The position of the last event to keep; all events when left out.")] = None
    to: Annotated[VmName | None, doc("The name of a VM to fork to; without it the new session is in the same VM.")] = (
        None
    )

    def faults(self) -> Iterator[Fault]:
        """Also those of the fork's name."""
        yield from super().faults()
        yield from name_faults("/to", self.to)


class FilesAt(Struct, frozen=True, rename="camel", kw_only=True):
    """The snapshot that a fork's files are from: that of the last turn which had ended at the event of the fork."""

    session_id: Annotated[str, doc("The session's public id, which stays the same for the session's whole life.")]
    seq: Annotated[int, doc("The event after which the snapshot was taken.")]
    created_at: Annotated[Timestamp, doc("When the snapshot was taken, in milliseconds since the epoch.")]


class VmForked(VmInfo, frozen=True):
    """A fork. `filesAt` says of which moment its files are, when an event was given."""

    options: Annotated[dict[str, Any] | None, doc("The options of the VM that it was forked from.")] = None
    files_at: Annotated[FilesAt | None, doc("The snapshot that the files are of, where an event was given.")] = None


class SessionForked(SessionInfo, frozen=True):
    """A session that has no agent yet, and the VM that it is in."""

    vm: Annotated[VmName, doc("The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings.")]
    files_at: Annotated[FilesAt | None, doc("The snapshot that the files are of, where an event was given.")] = None


FORK: Final = Method(
    "vm.fork",
    VmFork,
    VmForked,
    "Make a new VM, asleep, with the sessions and files of this one as they are, or as they were after an event.",
    errors=(
        *NO_SUCH,
        ErrorCode.VM_CONFLICT,
        ErrorCode.INVALID_ARGUMENT,
    ),
)

FORK_SESSION: Final = Method(
    "forkSession",
    ForkSession,
    SessionForked,
    "Make a session with the history of another: a new one in its VM, or the same in a fork of the VM.",
    errors=(
        *NO_SUCH,
        ErrorCode.VM_CONFLICT,
        ErrorCode.INVALID_ARGUMENT,
    ),
)
