"""What VMs need of their daemon: agents and commands that people have added. An export names them, an import compares."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import trio

from runtime.exhaustion import check_exhausted
from runtime.store.needs import Need
from runtime.vms.agent_programs import ScriptRef
from runtime.vms.options import VmOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runtime.store.store import Store
    from runtime.store.vms import VmRecord
    from runtime.vms.base import BaseSystem
    from runtime.vms.catalogue import AgentSpec, Catalogue


class Needs:
    """Those of the VMs of one daemon."""

    def __init__(self, store: Store, agents: Catalogue, base_system: BaseSystem) -> None:
        self._store = store
        self._agents = agents
        self._base_system = base_system

    async def of(self, record: VmRecord) -> Sequence[Need]:
        """What was added here that the VM may need: agents of its sessions, and all commands, as nobody knows which it runs."""
        based = VmOptions.parse(record.options).base
        needs = [Need("command", *added) for added in self._base_system.added.items()] if based else []
        for agent_type in await self._store.sessions.agent_types(record.row):
            spec = self._agent(agent_type)
            if spec is not None and spec.source == "user" and (sha256 := await _hash_of(spec)):
                needs.append(Need("agent", agent_type, sha256))
        return needs

    async def lacks(self, record: VmRecord, needs: Sequence[Need]) -> Sequence[dict[str, Any]]:
        """What of these the VM has not here, or another one, and those agents of its sessions that are not here."""
        lacks = []
        if VmOptions.parse(record.options).base:
            here = {each["name"]: each["sha256"] for each in self._base_system.list()}
            commands = (need for need in needs if need.kind == "command" and need.sha256 != here.get(need.name))
            lacks = [_lack(*need, here.get(need.name)) for need in commands]
        hashes = {need.name: need.sha256 for need in needs if need.kind == "agent"}
        for agent_type in await self._store.sessions.agent_types(record.row):
            spec, sha256 = self._agent(agent_type), hashes.get(agent_type)
            if spec is None:
                lacks.append(_lack("agent", agent_type, sha256, None))
            elif sha256 is not None and (found := await _hash_of(spec)) != sha256:
                lacks.append(_lack("agent", agent_type, sha256, found))
        return lacks

    def _agent(self, agent_type: str) -> AgentSpec | None:
        return next((spec for spec in self._agents.list() if spec.id == agent_type and not spec.problem), None)


def _lack(kind: str, name: str, sha256: str | None, here: str | None) -> dict[str, Any]:
    return {"kind": kind, "name": name, "sha256": sha256, "here": here}


async def _hash_of(spec: AgentSpec) -> str | None:
    """The hash of an agent's component; None where there is none that can be read. What needs no build changes at any time."""
    if isinstance(spec.program, ScriptRef):
        return None
    return spec.sha256 or await trio.to_thread.run_sync(_hash, spec.program.path)


def _hash(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        check_exhausted(error)
        return None
