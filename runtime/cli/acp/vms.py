"""The VMs in which an editor's sessions are: one for each workspace, or the one that was named."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from runtime.api.events import COMPILING
from runtime.cli import output
from runtime.cli.acp.errors import RefusedError
from runtime.cli.acp.flows import Call, Flow
from runtime.cli.acp.workspaces import Name, is_workspace, with_mounts, workspace_labels, workspace_vm
from runtime.cli.mounts import host_mount, normal
from runtime.jsonrpc import INVALID_PARAMS

if TYPE_CHECKING:
    from collections.abc import Container, Sequence


class Vms:
    """What `torpor acp` was told of VMs, and what follows from it."""

    def __init__(
        self,
        named: Name | None,
        *,
        allow: list[str],
        base: str | None,
        mounts: Sequence[dict[str, Any]],
        workspace: bool,
        on_terminal: bool,
    ) -> None:
        self.named = named
        """The one that all sessions are in; None where each workspace has its own."""
        self._allow = allow
        self._base = base
        self._mounts = list(mounts)
        self._workspace = workspace
        self._on_terminal = on_terminal
        self._heard: list[Name] = []
        """Those of whose compilations we are told."""

    def at(self, cwd: str) -> Name:
        """Return the VM of the sessions of a workspace."""
        return self.named or workspace_vm(cwd, mounted=self._workspace)

    def of(self, cwd: str | None) -> Flow:
        """Return the VMs in which sessions of the workspace, or of any, may be."""
        if self.named is not None or cwd is not None:
            return [self.at(cwd or "/")]
        return [row["vm"] for row in (yield Call("vm.list", {})) if is_workspace(row, mounted=self._workspace)]

    def make(self, cwd: str) -> Flow:
        """Return the VM of a workspace, made if there is none, with what it is to have."""
        vm = self.at(cwd)
        mounts = [host_mount(cwd, normal(cwd)), *self._mounts] if self._workspace else self._mounts
        try:
            found = yield Call("vm.get", {"vm": vm})
        except RefusedError as refusal:
            if refusal.name != "vm_not_found":
                raise
            options = self.network() | ({} if self.named else {"labels": workspace_labels(cwd)})
            options |= {"mounts": mounts} if mounts else {}
            options |= {"base": self._base} if self._base else {}
            yield Call("vm.getOrCreate", {"vm": vm, "options": options or None})
            return vm
        allowed = ((found.get("options") or {}).get("network") or {}).get("allow") or []
        if missing := [host for host in self._allow if host not in allowed]:
            message = f"VM {output.vm_label(vm)} exists already and may not reach {', '.join(missing)}"
            raise RefusedError(INVALID_PARAMS, f"{message}: --allow counts when a VM is created")
        if added := with_mounts(found, mounts):
            yield Call("vm.configure", {"vm": vm, "options": {"mounts": added}})
        return vm

    def network(self) -> dict[str, Any]:
        """Return the options of a new VM that say what it may reach."""
        return {"network": {"allow": self._allow}} if self._allow else {}

    def listen(self, vm: Name) -> Flow:
        """Hear of programs of the VM that are compiled before they start, if a person may see what we say."""
        if self._on_terminal and vm not in self._heard:
            yield Call("subscribe", {"vm": vm, "types": [COMPILING]})
            self._heard.append(vm)

    def probe(self, agent: str, env: dict[str, str]) -> Flow:
        """What an agent says of itself: it is asked in a VM that is made for that and removed again."""
        vm = f"acp-probe-{secrets.token_hex(8)}"
        yield Call("vm.getOrCreate", {"vm": vm, "options": self.network() or None})
        yield from self.listen(vm)
        options = {"env": env} if env else None
        failure: RefusedError | None = None
        found: dict[str, Any] = {"capabilities": None, "agentInfo": None, "authMethods": []}
        try:
            found = yield Call("createSession", {"vm": vm, "agentType": agent, "options": options})
        except RefusedError as refusal:
            failure = refusal
        yield Call("vm.destroy", {"vm": vm})
        if failure is not None and failure.name == "authentication_required":
            return failure.data
        if failure is not None and failure.name != "agent_failed":
            raise failure
        if failure is not None:
            # Its sessions will say so, too, and some agents start in a proper workspace only.
            output.say(f"the agent could not be asked for its capabilities: {failure.message}")
        return found

    def let_sleep(self, vm: Name, ours: Container[str]) -> Flow:
        """Suspend what we have used, unless other sessions than `ours` or commands are at work in the VM.

        Then it falls asleep by itself later.
        """
        rows = yield Call("listSessions", {"vm": vm})
        stats = yield Call("vm.stats", {"vm": vm})
        if not stats["processes"]["commands"] and all(row["sessionId"] in ours for row in rows):
            yield Call("vm.sleep", {"vm": vm, "graceMs": 0})
