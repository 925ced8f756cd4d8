"""The agents that can be started: manifests (`agent.toml`) in the built-in and the user's directories.

A manifest names its component by a path relative to itself, or by the name of a file in `dist` beside the agents' folders,
where the build puts them; or it has the kind of an interpreter, and names the file in its folder that this runs. The user's
directories come first in `$TORPOR_AGENTS` (separated by colons), else `$XDG_DATA_HOME/torpor/agents`; an agent there replaces a
built-in one of the same id.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from runtime.api.errors import ApiError, ErrorCode
from runtime.exhaustion import check_exhausted
from runtime.network import NetworkPolicy
from runtime.vms.agent_programs import (
    INTERPRETERS,
    SHOWN,
    AgentProgram,
    ComponentRef,
    ScriptRef,
    checked_dependencies,
    checked_entry,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

MANIFEST: Final = "agent.toml"

MANIFESTS_REMEMBERED: Final = 256
"""Parsed manifests that are remembered; more agents than that are parsed anew."""


_COMMON: Final = frozenset({"id", "title", "version", "description", "network", "args", "env"})

KEYS: Final = _COMMON | {"component", "sha256", "build"}
"""What a manifest may have; `build` is for who builds the component."""

SCRIPT_KEYS: Final = _COMMON | {"kind", "entry", "dependencies"}
"""What the manifest of an agent without a build may have."""

NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
"""The id of an agent that has a folder by its name: one that is added, or is seen in VMs."""


class ManifestError(Exception):
    """A manifest cannot be used; the message names the file and the fault in it."""

    def __init__(self, path: Path, source: str, fault: str) -> None:
        super().__init__(f"{path}: {fault}")
        self.path = path
        self.source = source

    def to_json(self) -> dict[str, Any]:
        """As `listAgents` shows it: under the name of its folder."""
        name = self.path.parent.name
        return {
            "id": name,
            "title": name,
            "version": "",
            "kind": None,
            "source": self.source,
            "installed": False,
            "sha256": None,
            "problem": str(self),
        }


@attrs.frozen
class AgentSpec:
    """An agent as its manifest describes it."""

    id: str
    title: str
    version: str
    source: str
    """`built-in` or `user`."""
    program: AgentProgram
    args: tuple[str, ...] = ()
    env: dict[str, str] = attrs.field(factory=dict)
    sha256: str | None = None
    """The hash of the component of one that was added (`runtime.vms.added_agents`)."""

    @property
    def problem(self) -> str | None:
        """Why it cannot be run; None where it can."""
        return self.program.missing

    def to_json(self) -> dict[str, Any]:
        """As `listAgents` shows it."""
        problem = self.problem
        return {
            "id": self.id,
            "title": self.title,
            "version": self.version,
            "kind": self.program.kind,
            "source": self.source,
            "installed": problem is None,
            "sha256": self.sha256,
            "problem": problem,
        }


def built_in_directory() -> Path:
    """The agents that come with the program: inside the package in a wheel, else in `agents` beside the packages."""
    packaged = Path(__file__).resolve().parents[1] / "agents"
    return packaged if packaged.is_dir() else packaged.parents[1] / "agents"


def user_directories() -> list[Path]:
    """Where a user's own agents are looked for; missing directories are fine."""
    if configured := os.environ.get("TORPOR_AGENTS"):
        return [Path(part) for part in configured.split(os.pathsep) if part]
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return [Path(base) / "torpor" / "agents"]


def read_manifest(path: Path, source: str) -> AgentSpec:
    """Raises ManifestError."""
    try:
        status = path.stat()
        manifest = _parse(path, (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        _check_keys(manifest, SCRIPT_KEYS if "kind" in manifest or "entry" in manifest else KEYS)
        network = tuple(manifest.get("network", ()))
        NetworkPolicy.parse(()).with_public(network)
        return AgentSpec(
            id=_text(manifest, "id"),
            title=_text(manifest, "title"),
            version=_text(manifest, "version"),
            source=source,
            program=_program(path, manifest, network),
            args=tuple(manifest.get("args", ())),
            env={str(key): str(value) for key, value in manifest.get("env", {}).items()},
            sha256=_text(manifest, "sha256") if "sha256" in manifest else None,
        )
    except (OSError, ValueError, TypeError, AttributeError) as error:
        check_exhausted(error)
        raise ManifestError(path, source, str(error)) from error


@lru_cache(MANIFESTS_REMEMBERED)
def _parse(path: Path, _identity: tuple[int, ...]) -> dict[str, Any]:
    """The manifest as long as the file is the same: every session looks for its agent."""
    return tomllib.loads(path.read_text("utf-8"))


def _check_keys(manifest: dict[str, Any], allowed: Collection[str]) -> None:
    for key in manifest:
        if key in KEYS and key not in allowed:
            raise ValueError(
                f"`{key}` is for agents with a component of their own, which `kind` and `entry` take the place of"
            )
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, 1)
            raise ValueError(f"there is no member `{key}`" + (f"; is it `{near[0]}`?" if near else ""))


def _program(path: Path, manifest: dict[str, Any], network: tuple[str, ...]) -> AgentProgram:
    """What the manifest at `path` says that its agent runs."""
    if "kind" not in manifest and "entry" not in manifest:
        return ComponentRef(_component(path, _text(manifest, "component")), network)
    kind, name = _text(manifest, "kind"), _text(manifest, "id")
    if kind not in INTERPRETERS:
        raise ValueError(f"there is no kind `{kind}`: {', '.join(INTERPRETERS)}, and none where there is a component")
    if NAME.fullmatch(name) is None:
        raise ValueError(f"`id` {name!r} has more than letters, digits, and . _ - after the first, or more than 64")
    entry = checked_entry(_text(manifest, "entry"))
    dependencies = checked_dependencies(manifest.get("dependencies", []), kind)
    return ScriptRef(kind, path.parent, entry, f"{SHOWN}/{name}", network, dependencies)


def _text(manifest: dict[str, Any], key: str) -> str:
    value = manifest.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"`{key}` must be a string that is not empty")
    return value


def _component(manifest: Path, name: str) -> Path:
    beside = manifest.parent / name
    built = manifest.parent.parent / "dist" / name
    return built if built.is_file() and not beside.is_file() else beside


class Catalogue:
    """Agents by id. Read anew at each look-up, so that an agent that is added or rebuilt is there at once."""

    def __init__(self, built_in: Path, user: Iterable[Path] = ()) -> None:
        self._built_in = built_in
        self._user = tuple(user)

    @property
    def own_directory(self) -> Path | None:
        """Where the user's agents are looked for first, and where those are that are added."""
        return self._user[0] if self._user else None

    def get(self, agent_type: str) -> AgentSpec:
        """The agent of this id.

        Raises ApiError AGENT_NOT_FOUND when there is none, or when its component or manifest is not usable.
        """
        for spec in self._specs():
            if isinstance(spec, AgentSpec) and spec.id == agent_type:
                if problem := spec.problem:
                    raise ApiError(ErrorCode.AGENT_NOT_FOUND, f"agent {agent_type!r} is known, but {problem}")
                return spec
        broken = [str(problem) for problem in self.unusable()]
        known = [spec.id for spec in self.list()]
        similar = difflib.get_close_matches(agent_type, known, n=1)
        meant = f"; did you mean {similar[0]}?" if similar else ""
        raise ApiError(
            ErrorCode.AGENT_NOT_FOUND,
            f"no agent {agent_type!r}{meant}; known agents: {', '.join(known) or 'none'}"
            + "".join(f"; unusable: {text}" for text in broken),
        )

    def list(self) -> list[AgentSpec]:
        """Every usable manifest, the first of each id, sorted by id."""
        by_id: dict[str, AgentSpec] = {}
        for spec in self._specs():
            if isinstance(spec, AgentSpec):
                by_id.setdefault(spec.id, spec)
        return [by_id[key] for key in sorted(by_id)]

    def unusable(self) -> Sequence[ManifestError]:
        """What is the matter with each manifest that is not usable."""
        return [problem for problem in self._specs() if isinstance(problem, ManifestError)]

    def _specs(self) -> Iterable[AgentSpec | ManifestError]:
        for directory, source in (*((path, "user") for path in self._user), (self._built_in, "built-in")):
            for manifest in _manifests(directory):
                try:
                    yield read_manifest(manifest, source)
                except ManifestError as error:
                    yield error


def _manifests(directory: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - pathlib takes ten times as long, here and below
    except OSError as error:
        check_exhausted(error)
        return []
    folders = [os.path.join(directory, name) for name in names]  # noqa: PTH118 - as above
    return [
        Path(folder, MANIFEST)
        for folder in folders
        if os.path.lexists(f"{folder}/{MANIFEST}") or _leads_nowhere(folder)
    ]


def _leads_nowhere(folder: str | Path) -> bool:
    """Whether it is the link of an agent whose folder is gone."""
    return os.path.islink(folder) and not os.path.exists(folder)  # noqa: PTH114, PTH110 - as above
