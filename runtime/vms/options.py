"""The options of a VM: the ones a client may set, with every default and its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec

from runtime.api import defaults
from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import Limits
from runtime.network import NetworkPolicy
from runtime.sessions.transcript.growth import TranscriptLimits
from runtime.vms.mounts import parse_mounts

if TYPE_CHECKING:
    from wasi_fs import Mount

MAX_OPTIONS_BYTES: Final = 64 * 1024
"""Of JSON: every `vm.list` has them, of each VM."""

_TRANSCRIPT_LIMITS: Final = TranscriptLimits(
    defaults.TURN_BYTES, defaults.SESSION_BYTES, defaults.TRANSCRIPT_BYTES, defaults.SESSIONS
)


@attrs.frozen
class VmOptions:
    """Options as the API has them (camelCase in the wire form), parsed and checked."""

    allow: tuple[str, ...] = ()
    memory_bytes: int = defaults.MEMORY_BYTES
    fuel: int | None = None
    """Of each process; None: unlimited."""
    files: int = defaults.FILES
    file_bytes: int = defaults.FILE_BYTES
    processes: int = defaults.PROCESSES
    output_bytes: int = defaults.OUTPUT_BYTES
    transcript_limits: TranscriptLimits = _TRANSCRIPT_LIMITS
    idle_timeout_ms: int = defaults.IDLE_TIMEOUT_MS
    mounts: tuple[Mount, ...] = ()
    base: bool = True
    """Whether the base system lies beneath its files."""

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
        idle = wire.get("idleTimeoutMs")
        return cls(
            allow=allow,
            memory_bytes=limits.get("memoryBytes", defaults.MEMORY_BYTES),
            fuel=limits.get("fuel"),
            files=limits.get("files", defaults.FILES),
            file_bytes=limits.get("fileBytes", defaults.FILE_BYTES),
            processes=limits.get("processes", defaults.PROCESSES),
            output_bytes=limits.get("outputBytes", defaults.OUTPUT_BYTES),
            transcript_limits=TranscriptLimits(
                limits.get("turnBytes", defaults.TURN_BYTES),
                limits.get("sessionBytes", defaults.SESSION_BYTES),
                limits.get("transcriptBytes", defaults.TRANSCRIPT_BYTES),
                limits.get("sessions", defaults.SESSIONS),
            ),
            idle_timeout_ms=defaults.IDLE_TIMEOUT_MS if idle is None else idle,
            mounts=parse_mounts(wire.get("mounts") or ()),
            base=wire.get("base") != "none",
        )

    @property
    def guest_limits(self) -> Limits:
        """The limits of each guest of the VM."""
        return Limits(memory_bytes=self.memory_bytes, fuel=self.fuel)


def check_size(wire: dict[str, Any]) -> None:
    """Raise ApiError TOO_LARGE for options that take more than `MAX_OPTIONS_BYTES`."""
    size = len(msgspec.json.encode(wire))
    if size > MAX_OPTIONS_BYTES:
        message = f"the VM's options have {size} bytes of JSON: fewer labels or grants are expected"
        raise ApiError(ErrorCode.TOO_LARGE, message, limit=MAX_OPTIONS_BYTES)


def without_nulls(wire: dict[str, Any]) -> dict[str, Any]:
    """The wire form as it is stored and compared: without members that are null, at any depth."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in wire.items()
        if value is not None
    }
