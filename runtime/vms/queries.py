"""Queries about VMs that wake none: they read the store, and the VMs that are awake anyhow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.acp.usage import total_usage
from runtime.sessions import queries as of_sessions
from runtime.sessions.turns import prompts
from runtime.vms.files import VmFiles
from runtime.vms.nearing import near_limits
from runtime.vms.options import VmOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec

    from runtime.store.store import Store
    from runtime.store.vms import VmRecord
    from runtime.vms.awake import AwakeVms
    from runtime.vms.catalogue import Catalogue
    from runtime.vms.commands import Commands
    from runtime.vms.volumes import Volumes

PAGE_VMS: Final = 100
"""VMs read from the store between two looks at the other tasks: some 2 ms."""


Prompt = str | list[dict[str, Any]]
"""Text, or ACP's content blocks."""


class HostQueries:
    """All of it raises ApiError."""

    def __init__(self, store: Store, agents: Catalogue, awake: AwakeVms, volumes: Volumes) -> None:
        self._store = store
        self._agents = agents
        self._awake = awake
        self._volumes = volumes

    async def get(self, name: str) -> dict[str, Any]:
        """`vm.get`."""
        return self.describe(self._store.vms.find(name))

    async def list(self) -> Sequence[dict[str, Any]]:
        """`vm.list`."""
        vms: list[dict[str, Any]] = []
        after = 0
        while page := self._store.vms.page(after, PAGE_VMS):
            vms += map(self.describe, page)
            after = page[-1].row
            await trio.lowlevel.checkpoint()
        return vms

    async def files(self, name: str) -> VmFiles:
        """The files of a VM, asleep or awake."""
        if vm := self._awake.get(name):
            vm.touch()
            return vm.files
        return VmFiles(self._volumes.of(self._store.vms.find(name)))

    async def commands(self, name: str) -> Commands | None:
        """The commands that run in a VM, or have lately; None while it sleeps: then there are none."""
        if vm := self._awake.get(name):
            vm.touch()
            return vm.commands
        self._store.vms.find(name)
        return None

    async def session_events(
        self,
        name: str,
        session_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
    ) -> Sequence[dict[str, Any]]:
        """Events of a session, as a subscriber gets them."""
        return await of_sessions.session_events(
            self._store, name, session_id, after=after, before=before, limit=limit, types=types
        )

    async def session_events_json(
        self,
        name: str,
        session_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
    ) -> Sequence[msgspec.Raw]:
        """`getSessionEvents`."""
        return await of_sessions.session_events_json(
            self._store, name, session_id, after=after, before=before, limit=limit, types=types
        )

    async def persisted_sessions(self, name: str) -> Sequence[dict[str, Any]]:
        """`listPersistedSessions`."""
        vm = self._awake.get(name)
        return await of_sessions.persisted_sessions(self._store, name, vm.sessions.statuses() if vm else None)

    async def live_sessions(self, name: str) -> Sequence[dict[str, Any]]:
        """`listSessions`."""
        return [row for row in await self.persisted_sessions(name) if row["status"] in of_sessions.LIVE]

    async def list_agents(self, name: str | None) -> Sequence[dict[str, Any]]:
        """`listAgents`; every VM may run every agent."""
        if name is not None:
            self._store.vms.find(name)
        usable, unusable = self._agents.list(), self._agents.unusable()
        return [*(spec.to_json() for spec in usable), *(problem.to_json() for problem in unusable)]

    async def session(self, name: str, session_id: str) -> dict[str, Any]:
        """`getSession`."""
        vm = self._awake.get(name)
        details = vm.sessions.get(session_id) if vm else of_sessions.persisted_details(self._store, name, session_id)
        if "rememberedPermissions" in details:
            return details
        return {**details, "rememberedPermissions": await of_sessions.remembered(self._store, name, session_id)}

    async def earlier_answer(self, name: str, session_id: str, prompt: Prompt, key: str) -> dict[str, Any] | None:
        """The stored answer of `sendPrompt` to the same prompt under this key, if the VM sleeps; else None."""
        if self._awake.get(name):  # there a turn may be in progress
            return None
        record = of_sessions.find(self._store, name, session_id)
        content_hash = await prompts.content_hash(prompts.content_blocks(prompt))
        return prompts.stored_answer(self._store, record.row, key, content_hash)

    async def stats(self, name: str) -> dict[str, Any]:
        """`vm.stats`. Fuel and peak memory are those of guests since the VM woke; the rest holds for a sleeping VM as well.

        `tokens` and `cost` are sums of what agents have told, None where none has: see `runtime.acp.usage`.
        """
        record = self._store.vms.find(name)
        rows = await of_sessions.persisted_sessions(self._store, name)
        event_bytes, _ = await self._store.sessions.count_events(record.row)
        vm = self._awake.get(name)
        live = vm.sessions.statuses() if vm else {}
        memory, peak_memory = vm.processes.memory() if vm else (0, 0)
        usage = self._volumes.of(record).filesystem.usage
        return {
            "vm": name,
            "state": self._state(name),
            "sessions": {
                "total": len(rows),
                "live": len(live),
                "running": sum(status == "running" for status in live.values()),
            },
            "processes": {
                "count": len(vm.processes) if vm else 0,
                "commands": vm.processes.commands if vm else 0,  # all but agents and their MCP servers
            },
            "fuelUsed": vm.processes.fuel_used if vm else 0,
            "memoryBytes": memory,
            "peakMemoryBytes": peak_memory,
            "files": {"count": usage.entries, "bytes": usage.bytes},
            "events": sum(row["lastSeq"] + 1 for row in rows),
            "eventBytes": event_bytes,
            "near": near_limits(
                VmOptions.parse(record.options),
                usage,
                vm.processes if vm else None,
                events=(event_bytes, len(rows)),
                rows=rows,
            ),
            **total_usage(row["usage"] for row in rows),
        }

    async def usage(self) -> dict[str, dict[str, float]]:
        """`{sessions, tokens, cost}` of all VMs: counts of sessions by status, tokens by kind, cost by currency."""
        return await self._store.sessions.totals()

    def describe(self, record: VmRecord) -> dict[str, Any]:
        """What `vm.get` tells."""
        return {
            "vm": record.name,
            "state": self._state(record.name),
            "createdAt": record.created_at,
            "updatedAt": record.updated_at,
            "options": record.options,
        }

    def _state(self, name: str) -> str:
        return "asleep" if self._awake.get(name) is None else "awake"
