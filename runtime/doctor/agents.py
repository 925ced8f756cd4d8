"""The agents that this environment finds."""

from __future__ import annotations

import contextlib
import posixpath
from typing import TYPE_CHECKING

from runtime.doctor.finding import Finding, ok, warn
from runtime.vms.agent_programs import ScriptRef
from runtime.vms.base import added_directory, built_in_commands
from runtime.vms.base.commands import ManifestError, read_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.vms.catalogue import Catalogue


def check_agents(catalogue: Catalogue, state: Path) -> Finding:
    """Whether each has a manifest that can be used, and what it runs; VMs have the commands of the daemon with this state."""
    agents = catalogue.list()
    problems = [str(problem) for problem in catalogue.unusable()]
    problems += [f"{agent.id}: {agent.problem}" for agent in agents if agent.problem]
    programs = {agent.id: agent.program for agent in agents if not agent.problem}
    scripts = {name: program for name, program in programs.items() if isinstance(program, ScriptRef)}
    commands = _commands(state) if scripts else set()
    problems += [
        f"{name}: it is run by {program.interpreter.path}, which VMs do not have"
        for name, program in scripts.items()
        if posixpath.basename(program.interpreter.path) not in commands
    ]
    if problems:
        remedy = "mend or remove the manifests; build what was not built"
        return warn("agents", f"cannot be run: {'; '.join(problems)}", remedy)
    return ok("agents", f"{len(agents)} can be run: {', '.join(agent.id for agent in agents)}")


def _commands(state: Path) -> set[str]:
    """The names of the commands of VMs. A list of them that cannot be read has none, which the daemon's log tells."""
    names: set[str] = set()
    for folder in (built_in_commands(), added_directory(state)):
        with contextlib.suppress(ManifestError):
            names.update(*(each.names for each in read_manifest(folder).commands.values()))
    return names
