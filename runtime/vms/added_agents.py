"""Agents that are added: tried, compiled, and copied to where the user's agents are.

What is made is what a person could have made: a folder with a manifest (`catalogue`). Its `sha256` says that it was added, and
its component is named by it, so that one that is replaced is whole at any time. For an agent without a build it is a link to
the folder that was given: whoever edits that edits the agent.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import ComponentError
from runtime.exhaustion import check_exhausted
from runtime.newfile import PREFIX, make_directory, sweep
from runtime.vms.agent_programs import ComponentRef, ScriptRef
from runtime.vms.catalogue import MANIFEST, NAME, AgentSpec, ManifestError, read_manifest
from runtime.vms.component_files import publish, read_component
from runtime.vms.trial import about, called, try_agent

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.engine import Program
    from runtime.vms.agent_programs import AgentProgram
    from runtime.vms.catalogue import Catalogue
    from runtime.vms.trial import Bench, Trial

MAX_ADDED: Final = 200
"""Agents that are added to one folder: each session's start reads all manifests."""

_COMPONENT: Final = re.compile(r"[0-9a-f]{64}\.wasm")
"""What the component is called."""


class AddedAgents:
    """Those of one daemon."""

    def __init__(self, catalogue: Catalogue, bench: Bench) -> None:
        self._catalogue = catalogue
        self._bench = bench
        self._changing = trio.Lock()

    async def add(self, path: Path, name: str | None) -> dict[str, Any]:
        """`addAgent`: a component, or a folder with a manifest.

        Raises ApiError: INVALID_ARGUMENT, NOT_FOUND, EXISTS, TOO_LARGE, LIMIT_EXCEEDED, IO_ERROR.
        """
        given = await trio.to_thread.run_sync(_given, path, name)
        place = self._place(given.id)
        if isinstance(given.program, ScriptRef):
            await self._try(path, given, None)
            put = partial(_link, place, given.program.folder)
        else:
            program, content = await self._load(path, given.program)
            component = attrs.evolve(given.program, path=place / f"{program.digest}.wasm")
            given, _ = await self._try(path, given, content)
            put = partial(_write, component, attrs.evolve(given, sha256=program.digest, program=component), content)
        async with self._changing:
            self._check_place(given.id)
            before = self._of_user(given.id)
            if before is not None and before.program.kind != given.program.kind:
                await trio.to_thread.run_sync(_remove, before.program)
            await trio.to_thread.run_sync(put)
        return self._catalogue.get(given.id).to_json()

    async def check(self, path: Path) -> dict[str, Any]:
        """`checkAgent`: as `add`, and nothing is added. Raises ApiError as `add` does, but for what is there already."""
        given = await trio.to_thread.run_sync(_given, path, None)
        _check_name(given.id)
        component: dict[str, Any] = {"sha256": None, "bytes": None, "imports": []}
        content = None
        if isinstance(given.program, ComponentRef):
            program, content = await self._load(path, given.program)
            imports = sorted({each.interface for each in program.recipe.functions if each.interface})
            component = {"sha256": program.digest, "bytes": len(content), "imports": imports}
        given, trial = await self._try(path, given, content)
        return {
            "id": given.id,
            "title": given.title,
            "version": given.version,
            "kind": given.program.kind,
            **component,
            "network": list(given.program.network),
            "agentInfo": trial.info,
            "capabilities": trial.capabilities,
            "refusal": trial.refusal,
        }

    async def _load(self, path: Path, component: ComponentRef) -> tuple[Program, bytes]:
        """The agent's program, compiled if it has to be, and its component's content. Raises ApiError."""
        content = await trio.to_thread.run_sync(read_component, component.path)
        try:
            return await self._bench.engine.load_content(content), content
        except (ComponentError, OSError) as error:
            check_exhausted(error)
            raise ApiError(ErrorCode.INVALID_ARGUMENT, f"{path} cannot be run: {error}", pointer="/path") from error

    async def _try(self, path: Path, given: AgentSpec, content: bytes | None) -> tuple[AgentSpec, Trial]:
        """Have it open a session. One without a manifest is called as it says itself. Raises ApiError."""
        trial = await try_agent(self._bench, given, content)
        if path == called(given):
            said = about(trial.info)
            given = attrs.evolve(given, title=said.title or given.id, version=said.version or "0")
        return given, trial

    async def remove(self, name: str) -> None:
        """`removeAgent`. Raises ApiError NOT_FOUND, IO_ERROR."""
        async with self._changing:
            spec = self._of_user(name)
            if spec is None and self._is_broken_link(name):
                await trio.to_thread.run_sync(_unlink, self._folder(name))
                return
            if spec is None or not self._was_added(spec):
                message = f"no agent {name!r} was added"
                if spec is not None:
                    message += f": what {_folder_of(spec.program)} has was put there by hand, and can be removed so"
                raise ApiError(ErrorCode.NOT_FOUND, message, path=name)
            await trio.to_thread.run_sync(_remove, spec.program)

    def _of_user(self, name: str) -> AgentSpec | None:
        found = (spec for spec in self._catalogue.list() if spec.id == name and spec.source == "user")
        return next(found, None)

    def _was_added(self, spec: AgentSpec) -> bool:
        """Whether it lies where `add` puts it: a manifest that somebody has written may say anything."""
        directory, program = self._catalogue.own_directory, spec.program
        if directory is None:
            return False
        if isinstance(program, ScriptRef):
            return program.folder.parent == directory and program.folder.is_symlink()
        return program.path == directory / spec.id / f"{spec.sha256}.wasm"

    def _is_broken_link(self, name: str) -> bool:
        """Whether the folder of an agent that was added is gone, or its manifest cannot be used any more."""
        if self._catalogue.own_directory is None:
            return False
        broken = {problem.path.parent for problem in self._catalogue.unusable()}
        return NAME.fullmatch(name) is not None and self._folder(name) in broken and self._folder(name).is_symlink()

    def _folder(self, name: str) -> Path:
        directory = self._catalogue.own_directory
        assert directory is not None
        return directory / name

    def _place(self, name: str) -> Path:
        """The folder for an agent of this name. Raises ApiError."""
        _check_name(name)
        directory = self._catalogue.own_directory
        if directory is None:
            raise ApiError(ErrorCode.NOT_FOUND, "the daemon looks for a user's agents nowhere: see TORPOR_AGENTS")
        self._check_place(name)
        return directory / name

    def _check_place(self, name: str) -> None:
        """Raise ApiError where there is an agent of that name that was not added, or no room for one more."""
        spec, folder = self._of_user(name), self._folder(name)
        was_added = self._was_added(spec) if spec is not None else self._is_broken_link(name)
        by_hand = folder if spec is None else _folder_of(spec.program)
        is_left_over = spec is None and _is_left_over(folder)
        if not was_added and not is_left_over and os.path.lexists(by_hand):
            message = f"{by_hand} was put there by hand: remove it, or choose another name"
            raise ApiError(ErrorCode.EXISTS, message, path=os.fspath(by_hand))
        added = sum(map(self._was_added, self._catalogue.list()))
        if not was_added and added >= MAX_ADDED:
            message = f"{MAX_ADDED} agents were added, which is the limit; remove one"
            raise ApiError(ErrorCode.LIMIT_EXCEEDED, message, limit="agents", max=MAX_ADDED)


def _check_name(name: str) -> None:
    if NAME.fullmatch(name) is None:
        message = f"{name!r} is no name for an agent: letters, digits, and . _ - after the first, at most 64"
        raise ApiError(ErrorCode.INVALID_ARGUMENT, message, pointer="/name")


def _given(path: Path, name: str | None) -> AgentSpec:
    """The agent as it is given. Raises ApiError."""
    if not os.path.isdir(path):  # noqa: PTH112 - it does not raise for a path that cannot be looked at
        id_ = path.name.removesuffix(".wasm") if name is None else name
        return AgentSpec(id_, id_, "0", "user", ComponentRef(path))
    try:
        spec = read_manifest(path / MANIFEST, "user")
    except ManifestError as error:
        raise ApiError(ErrorCode.INVALID_ARGUMENT, f"no agent: {error}", pointer="/path") from error
    if isinstance(spec.program, ScriptRef):
        if name not in {None, spec.id}:
            message = f"{path} stays where it is, and its agent is called {spec.id}, as its manifest says"
            raise ApiError(ErrorCode.INVALID_ARGUMENT, message, pointer="/name")
        if problem := spec.problem:
            raise ApiError(ErrorCode.NOT_FOUND, f"{path}: {problem}", path=os.fspath(path))
    return spec if name is None else attrs.evolve(spec, id=name)


def _link(place: Path, folder: Path) -> None:
    """Have the folder be an agent's, in place of a link, or of what a daemon that was killed has left."""
    try:
        make_directory(place.parent)
        if place.is_dir() and not place.is_symlink():
            for entry in _components(place):
                entry.unlink()
            sweep(place)
            place.rmdir()
        place.unlink(missing_ok=True)
        place.symlink_to(folder)
    except OSError as error:
        check_exhausted(error)
        raise ApiError(ErrorCode.IO_ERROR, f"{place}: {error.strerror}") from error


def _unlink(place: Path) -> None:
    try:
        place.unlink()
    except OSError as error:
        check_exhausted(error)
        raise ApiError(ErrorCode.IO_ERROR, f"{place}: {error.strerror}") from error


def _write(component: ComponentRef, spec: AgentSpec, content: bytes) -> None:
    """Have it in its folder: first the component, then the manifest, and then no other component."""
    folder = component.path.parent
    try:
        if folder.is_symlink():
            folder.unlink()
        make_directory(folder)
        publish(component.path, content)
        publish(folder / MANIFEST, manifest(spec, component).encode())
        for entry in _components(folder):
            if entry != component.path:
                entry.unlink()
    except OSError as error:
        check_exhausted(error)
        raise ApiError(ErrorCode.IO_ERROR, f"{folder}: {error.strerror}") from error


def _folder_of(program: AgentProgram) -> Path:
    return program.folder if isinstance(program, ScriptRef) else program.path.parent


def _remove(program: AgentProgram) -> None:
    if isinstance(program, ScriptRef):
        return _unlink(program.folder)
    folder = _folder_of(program)
    try:
        (folder / MANIFEST).unlink()
        for entry in _components(folder):
            entry.unlink()
        with contextlib.suppress(OSError):  # somebody has put something there
            folder.rmdir()
    except OSError as error:
        check_exhausted(error)
        raise ApiError(ErrorCode.IO_ERROR, f"{folder}: {error.strerror}") from error


def _is_left_over(folder: Path) -> bool:
    """Whether it has nothing, or nothing but components: a daemon was killed while it wrote or removed an agent."""
    try:
        found = [entry for entry in folder.iterdir() if not entry.name.startswith(PREFIX)]
    except OSError as error:
        check_exhausted(error)
        return False
    return all(_COMPONENT.fullmatch(entry.name) for entry in found)


def _components(folder: Path) -> list[Path]:
    """What `_write` has written there, and nothing that somebody else has."""
    return [entry for entry in folder.iterdir() if _COMPONENT.fullmatch(entry.name)]


def manifest(spec: AgentSpec, component: ComponentRef) -> str:
    """An agent with this component as TOML, as `read_manifest` reads it."""
    members = {
        "id": spec.id,
        "title": spec.title,
        "version": spec.version,
        "component": component.path.name,
        "sha256": spec.sha256,
        "network": component.network,
        "args": spec.args,
        "env": spec.env,
    }
    return "".join(f"{name} = {_toml(value)}\n" for name, value in members.items() if value)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(name)} = {_toml(each)}" for name, each in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # strings are JSON's but for this one
