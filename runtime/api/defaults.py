"""What holds where a client says nothing, each with its reason; and which version of the API is spoken.

Only the standard library is used: commands read these, too.
"""

from __future__ import annotations

from typing import Final

PROTOCOL: Final = 1
"""The version of the API, as `hello` tells it."""
SUBPROTOCOL: Final = "torpor.v1"
"""The same as WebSocket's handshake has it (RFC 6455, 1.9)."""

HOME: Final = "/home/user"
"""The home directory in a VM: the working directory of sessions and commands."""

CANCEL_GRACE_MS: Final = 5000
"""For an agent to end its turn after `cancelPrompt`; then it is killed (api.md)."""

KILL_GRACE_MS: Final = 5000
"""For a program to end after its stdin has: as for an agent that is cancelled."""

SLEEP_GRACE_MS: Final = 30_000
"""Before a VM sleeps: a turn that is nearly done may end; one that is not is ended."""

ROWS: Final = 24
COLUMNS: Final = 80
"""Of a terminal: those of the VT100, which programs expect where they are told nothing."""

# Options of a VM

IDLE_TIMEOUT_MS: Final = 15 * 60 * 1000
"""Long enough for a person who thinks, short enough to cost nothing."""

MEMORY_BYTES: Final = 512 * 1024 * 1024
"""A JavaScript or Python interpreter with a large working set stays well below; a leak does not reach the machine's end."""

FILES: Final = 1_000_000
"""A few large repositories with their dependencies."""

FILE_BYTES: Final = 10 * 1024**3
"""A share of a common disk that one VM may well have."""

PROCESSES: Final = 1024
"""Live guests of one VM, agents included: far above any use, far below what hurts the host."""

OUTPUT_BYTES: Final = 4 * 1024 * 1024
"""Of one process's output, kept for an agent that asks for so much."""

TURN_BYTES: Final = 128 * 1024 * 1024
"""Of one turn's events: half a million ordinary ones, which is days of a model's tokens as they come."""

SESSION_BYTES: Final = 1024**3
"""Of one session's events: a conversation of months, and read back in seconds."""

TRANSCRIPT_BYTES: Final = 4 * 1024**3
"""Of all events of a VM: less than its files may have, as a disk's share."""

SESSIONS: Final = 20_000
"""Of a VM, closed ones included: one every half minute for a week."""
