"""Every method of the API: the one source of the dispatcher, of the checks of params, of documents and of clients."""

from __future__ import annotations

from typing import Any, Final

from runtime.api import (
    agents,
    base,
    daemon,
    file_serving,
    files,
    forks,
    many_files,
    past,
    processes,
    sessions,
    settings,
    shells,
    turns,
    vms,
)
from runtime.api.method import Method
from runtime.api.types import NoParams

DISCOVER: Final = Method(
    "rpc.discover",
    NoParams,
    dict[str, Any],
    "Return this API as an OpenRPC document.",
    returns="An OpenRPC document: https://spec.open-rpc.org.",
)

GROUPS: Final[dict[str, tuple[Method[Any], ...]]] = {
    **{
        heading: tuple(each for each in vars(module).values() if isinstance(each, Method))
        for heading, module in {
            "The daemon and the connection": daemon,
            "VMs": vms,
            "Sessions": sessions,
            "Turns": turns,
            "Forks": forks,
            "Modes and config options": settings,
            "Files": files,
            "Many files at once": many_files,
            "Files that a client serves": file_serving,
            "Snapshots and differences": past,
            "Processes": processes,
            "Shells": shells,
            "Agents": agents,
            "Commands of all VMs": base,
        }.items()
    },
    "The API itself": (DISCOVER,),
}
"""Heading -> methods, each in the order of the documents."""

METHODS: Final[dict[str, Method[Any]]] = {method.name: method for group in GROUPS.values() for method in group}
"""Method by name, in the same order."""
