"""What an agent runs: a component of its own, or a script that an interpreter of the VM runs without anything being built."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SHOWN: Final = "/root/.torpor/agents"
"""The folder in VMs in which the folders of agents without a build are seen, by the agents' ids."""

INTERPRETERS: Final[Mapping[str, Sequence[str]]] = {"python": ("/usr/bin/python3", "-B")}
"""What runs an agent of a kind, in the VM, with its options: of Python that it puts no files beside those that it compiles."""


@attrs.frozen
class ComponentRef:
    """A component in a file of the host, with the rights that its manifest grants."""

    path: Path
    network: tuple[str, ...] = ()
    """Public hosts that it may reach without a grant of the VM."""

    @property
    def kind(self) -> str:
        """As `listAgents` shows it."""
        return "component"

    @property
    def missing(self) -> str | None:
        """Why it cannot be run; None where it can."""
        return None if self.path.is_file() else f"its component {self.path.name} has not been built"


@attrs.frozen
class ScriptRef:
    """A script in a folder of the host, which the VM sees and only reads, with the rights that its manifest grants."""

    kind: str
    """One of `INTERPRETERS`."""
    folder: Path
    entry: str
    """The script's path in the folder."""
    place: str
    """The folder's path in the VM."""
    network: tuple[str, ...] = ()
    """As a component's."""

    @property
    def interpreter(self) -> str:
        """The path in the VM of what runs it."""
        return INTERPRETERS[self.kind][0]

    @property
    def missing(self) -> str | None:
        """Why it cannot be run; None where it can."""
        return None if (self.folder / self.entry).is_file() else f"its entry {self.entry} is not there"

    def words(self, arguments: list[str]) -> list[str]:
        """The command in the VM, for these arguments after the agent's name."""
        return [*INTERPRETERS[self.kind], posixpath.join(self.place, self.entry), *arguments]


AgentProgram = ComponentRef | ScriptRef


def checked_entry(entry: str) -> str:
    """A path below the agent's folder. ValueError for any other."""
    if entry != posixpath.normpath(entry) or entry.startswith(("/", "../")) or entry in {".", ".."} or "\0" in entry:
        raise ValueError(f"`entry` must be the path of a file in the agent's folder, and {entry!r} is none")
    return entry
