"""What an agent runs: a component of its own, or a script that an interpreter of the VM runs without anything being built."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from runtime.exhaustion import check_exhausted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SHOWN: Final = "/root/.torpor/agents"
"""The folder in VMs in which the folders of agents without a build are seen, by the agents' ids."""

INSTALLED: Final = ".torpor-dependencies"
"""The file beside the packages that says which these are, as `dependencies_text` has them."""


@attrs.frozen
class Interpreter:
    """What runs the agents of a kind that needs no build, in the VM."""

    path: str
    packages: str
    """The folder in an agent's own where its dependencies are."""
    installer: str
    """What installs these."""
    requirement: re.Pattern[str]
    """What a dependency is, as the installer takes it: it begins with a name, so that it is neither an option nor a path."""
    example: str
    """A dependency."""
    options: tuple[str, ...] = ()
    search: str | None = None
    """The variable that names that folder, where it is not looked into by itself."""


INTERPRETERS: Final[Mapping[str, Interpreter]] = {
    "python": Interpreter(
        "/usr/bin/python3",
        "packages",
        "pip",
        re.compile(r"[A-Za-z0-9][^\n\x00]*"),
        "requests >= 2",
        options=("-B",),  # it puts no files beside those that it compiles
        search="PYTHONPATH",
    ),
    "node": Interpreter(
        "/usr/bin/node",
        "node_modules",
        "npm",
        re.compile(r"(@[a-z0-9~-][a-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~-]*(@[^\n\x00:/]+)?"),
        "picocolors@^1.1",
    ),
}


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
    dependencies: tuple[str, ...] = ()
    """The packages that it needs, as the interpreter's installer takes them."""

    @property
    def interpreter(self) -> Interpreter:
        """What runs it."""
        return INTERPRETERS[self.kind]

    @property
    def missing(self) -> str | None:
        """Why it cannot be run; None where it can."""
        if self.dependencies and not self.has_dependencies:  # its entry may be among them
            return f"its dependencies are not installed: `torpor agent add {self.folder}` does that"
        if not (self.folder / self.entry).is_file():
            return f"its entry {self.entry} is not there"
        return None

    @property
    def has_dependencies(self) -> bool:
        """Whether those are in its folder that its manifest lists now."""
        try:
            installed = self.folder / self.interpreter.packages / INSTALLED
            return installed.read_text("utf-8") == dependencies_text(self.dependencies)
        except (OSError, ValueError) as error:
            check_exhausted(error)
            return False

    def variables(self, given: dict[str, str]) -> dict[str, str]:
        """The environment in which it finds its dependencies."""
        variable = self.interpreter.search
        if not self.dependencies or variable is None:
            return given
        search = [posixpath.join(self.place, self.interpreter.packages), *filter(None, [given.get(variable)])]
        return {**given, variable: ":".join(search)}

    def words(self, arguments: list[str]) -> list[str]:
        """The command in the VM, for these arguments after the agent's name."""
        return [self.interpreter.path, *self.interpreter.options, posixpath.join(self.place, self.entry), *arguments]


AgentProgram = ComponentRef | ScriptRef


def dependencies_text(dependencies: Sequence[str]) -> str:
    """What the file `INSTALLED` holds."""
    return "".join(f"{each}\n" for each in dependencies)


def checked_dependencies(given: Any, kind: str) -> tuple[str, ...]:
    """What the installer of a kind takes, of which nothing is an option. ValueError for anything else."""
    by = INTERPRETERS[kind]
    if not isinstance(given, list) or not all(
        isinstance(each, str) and by.requirement.fullmatch(each) for each in given
    ):
        raise ValueError(
            f'`dependencies` must be a list of packages as {by.installer} takes them, such as "{by.example}"'
        )
    return tuple(given)


def checked_entry(entry: str) -> str:
    """A path below the agent's folder. ValueError for any other."""
    if entry != posixpath.normpath(entry) or entry.startswith(("/", "../")) or entry in {".", ".."} or "\0" in entry:
        raise ValueError(f"`entry` must be the path of a file in the agent's folder, and {entry!r} is none")
    return entry
