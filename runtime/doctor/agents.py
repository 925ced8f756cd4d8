"""The agents that this environment finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.doctor.finding import Finding, ok, warn

if TYPE_CHECKING:
    from runtime.vms.catalogue import Catalogue


def check_agents(catalogue: Catalogue) -> Finding:
    """Whether each has a manifest that can be used, and a component."""
    agents = catalogue.list()
    problems = [str(problem) for problem in catalogue.unusable()]
    problems += [f"{agent.id}: {agent.not_installed}" for agent in agents if not agent.installed]
    if problems:
        remedy = "mend or remove the manifests; build what was not built"
        return warn("agents", f"cannot be run: {'; '.join(problems)}", remedy)
    return ok("agents", f"{len(agents)} can be run: {', '.join(agent.id for agent in agents)}")
