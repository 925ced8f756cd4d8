"""The options of a VM: what a client may set, with every default and its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import Limits
from runtime.network import NetworkPolicy
from runtime.sessions.transcript.growth import TranscriptLimits
from runtime.vms.mounts import parse_mounts

if TYPE_CHECKING:
    from wasi_fs import Mount

DEFAULT_IDLE_TIMEOUT_MS: Final = 15 * 60 * 1000  # long enough for a person who thinks, short enough to cost nothing
# A JavaScript or Python interpreter with a large working set stays well below; a leak does not reach the machine's end.
DEFAULT_MEMORY_BYTES: Final = 512 * 1024 * 1024
MIN_MEMORY_BYTES: Final = 1024 * 1024  # a small C program's stack and data; in less no agent ever starts
DEFAULT_FILES: Final = 1_000_000  # a few large repositories with their dependencies
DEFAULT_FILE_BYTES: Final = 10 * 1024**3  # a share of a common disk that one VM may well have
DEFAULT_PROCESSES: Final = (
    1024  # live guests of one VM, agents included: far above any use, far below what hurts the host
)
DEFAULT_OUTPUT_BYTES: Final = 4 * 1024 * 1024  # of one process's output, kept for an agent that asks for so much
DEFAULT_TURN_BYTES: Final = 128 * 1024 * 1024
"""Of one turn's events: half a million ordinary ones, which is days of a model's tokens as they come."""
DEFAULT_SESSION_BYTES: Final = 1024**3  # of one session's events: a conversation of months, and read back in seconds
DEFAULT_TRANSCRIPT_BYTES: Final = 4 * 1024**3  # of all events of a VM: less than its files may have, as a disk's share
DEFAULT_SESSIONS: Final = 20_000  # of a VM, closed ones included: one every half minute for a week
MAX_TRANSCRIPT_BYTES: Final = 64 * 1024**3
"""The greatest of these bounds on events: what is beyond it takes minutes to read through, and nobody would."""
MAX_SESSIONS: Final = 100_000  # of a VM, as of one that is imported: lists of them have to stay answerable
MAX_OPTIONS_BYTES: Final = 64 * 1024  # of JSON: every `vm.list` has them, of each VM
_TRANSCRIPT_LIMITS: Final = TranscriptLimits(
    DEFAULT_TURN_BYTES, DEFAULT_SESSION_BYTES, DEFAULT_TRANSCRIPT_BYTES, DEFAULT_SESSIONS
)


@attrs.frozen
class VmOptions:
    """Options as the API has them (camelCase in the wire form), parsed and checked."""

    allow: tuple[str, ...] = ()
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    fuel: int | None = None
    """Of each process; None: unlimited."""
    files: int = DEFAULT_FILES
    file_bytes: int = DEFAULT_FILE_BYTES
    processes: int = DEFAULT_PROCESSES
    output_bytes: int = DEFAULT_OUTPUT_BYTES
    transcript_limits: TranscriptLimits = _TRANSCRIPT_LIMITS
    idle_timeout_ms: int = DEFAULT_IDLE_TIMEOUT_MS
    mounts: tuple[Mount, ...] = ()

    @classmethod
    def parse(cls, wire: dict[str, Any]) -> VmOptions:
        """From the wire form, whose shape the RPC layer has checked.

        Raises ApiError INVALID_ARGUMENT for a network grant that names no host, and for mounts that cannot be.
        """
        network = wire.get("network") or {}
        limits = {key: value for key, value in (wire.get("limits") or {}).items() if value is not None}
        allow = tuple(network.get("allow") or ())
        try:
            NetworkPolicy.parse(allow)
        except ValueError as error:
            raise ApiError(
                ErrorCode.INVALID_ARGUMENT, f"options.network.allow: {error}", pointer="/options/network/allow"
            ) from None
        defaults = cls()
        idle = wire.get("idleTimeoutMs")
        return cls(
            allow=allow,
            memory_bytes=limits.get("memoryBytes", defaults.memory_bytes),
            fuel=limits.get("fuel"),
            files=limits.get("files", defaults.files),
            file_bytes=limits.get("fileBytes", defaults.file_bytes),
            processes=limits.get("processes", defaults.processes),
            output_bytes=limits.get("outputBytes", defaults.output_bytes),
            transcript_limits=TranscriptLimits(
                limits.get("turnBytes", DEFAULT_TURN_BYTES),
                limits.get("sessionBytes", DEFAULT_SESSION_BYTES),
                limits.get("transcriptBytes", DEFAULT_TRANSCRIPT_BYTES),
                limits.get("sessions", DEFAULT_SESSIONS),
            ),
            idle_timeout_ms=defaults.idle_timeout_ms if idle is None else idle,
            mounts=parse_mounts(wire.get("mounts") or ()),
        )

    @property
    def guest_limits(self) -> Limits:
        """What each guest of the VM may use."""
        return Limits(memory_bytes=self.memory_bytes, fuel=self.fuel)


def check_size(wire: dict[str, Any]) -> None:
    """Raise ApiError TOO_LARGE for options that take more than `MAX_OPTIONS_BYTES`."""
    size = len(msgspec.json.encode(wire))
    if size > MAX_OPTIONS_BYTES:
        message = f"the VM's options have {size} bytes of JSON: fewer labels or grants are expected"
        raise ApiError(ErrorCode.TOO_LARGE, message, limit=MAX_OPTIONS_BYTES)


def without_nulls(wire: dict[str, Any]) -> dict[str, Any]:
    """The wire form as it is kept and compared: members that are null say nothing, at any depth."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in wire.items()
        if value is not None
    }
