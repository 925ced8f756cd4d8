"""What `vm.stats` tells: what a VM holds and uses."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct

from runtime.api.types import VmName, doc


class SessionCounts(Struct, frozen=True, kw_only=True):
    """Sessions of a VM: all, those with an agent, those with a turn."""

    total: Annotated[int, doc("All sessions.")]
    live: Annotated[int, doc("Those whose agent is in memory.")]
    running: Annotated[int, doc("Those that are in a turn.")]


class ProcessCounts(Struct, frozen=True, kw_only=True):
    """Processes of a VM: all, and those that are neither agents nor their MCP servers."""

    count: Annotated[int, doc("All of them.")]
    commands: Annotated[int, doc("Those that are neither agents nor their MCP servers.")]


class FileCounts(Struct, frozen=True, kw_only=True):
    """Entries and bytes of a VM's filesystem."""

    count: Annotated[int, doc("Files, directories and links.")]
    bytes: Annotated[int, doc("Bytes of all files.")]


class NearLimit(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """A limit of which four fifths are used."""

    limit: Annotated[
        str, doc("Its name in `options.limits`; or `context`, how full the context of a session's model is.")
    ]
    used: Annotated[int, doc("How much of it is used; of `memoryBytes`, by the largest guest.")]
    allowed: Annotated[int, doc("The limit.")]
    session_id: Annotated[str | None, doc("The session that it is of, where it is of one.")] = None


class VmStats(Struct, frozen=True, rename="camel", kw_only=True):
    """What a VM uses. Fuel and peak are since it woke; tokens and cost sum up its sessions, null where no agent tells any."""

    vm: Annotated[VmName, doc("The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings.")]
    state: Annotated[Literal["awake", "asleep"], doc("`awake` when guests of the VM may be in memory, else `asleep`.")]
    sessions: Annotated[SessionCounts, doc("Sessions of the VM.")]
    processes: Annotated[ProcessCounts, doc("Guests of the VM that are in memory.")]
    fuel_used: Annotated[int, doc("Fuel that the VM's guests have used since it woke.")]
    memory_bytes: Annotated[int, doc("Bytes of memories and tables that the VM's guests have, touched or not.")]
    peak_memory_bytes: Annotated[
        int, doc("The most of these that was seen since it woke, looking when asked and when a guest ends.")
    ]
    files: Annotated[FileCounts, doc("What the VM's filesystem holds.")]
    events: Annotated[int, doc("Events in all transcripts of the VM.")]
    event_bytes: Annotated[int, doc("Bytes of these events: what `limits.transcriptBytes` bounds.")]
    near: Annotated[
        list[NearLimit],
        doc("Limits of which four fifths are used; also the context of models, of sessions that are not closed."),
    ]
    tokens: Annotated[dict[str, int] | None, doc("Tokens of all sessions, by kind; null where no agent tells any.")]
    cost: Annotated[dict[str, float] | None, doc("Cost of all sessions, by currency; null where no agent tells any.")]
