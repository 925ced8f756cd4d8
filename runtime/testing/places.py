"""Where agents under test run: in this process, in a daemon that is there, or in one started from an executable."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from typing import TYPE_CHECKING, Final, Protocol

import attrs
import trio

from runtime.api.endpoint import endpoint
from runtime.client.errors import ConnectError
from runtime.client.link import Link
from runtime.client.wires import open_wire
from runtime.engine import open_cache
from runtime.posix.host import make_engine
from runtime.rpc.api import SERVED
from runtime.rpc.connection import Connection
from runtime.rpc.service import Service
from runtime.scratch import scratch_directory
from runtime.store.durability import Durability
from runtime.store.store import open_store
from runtime.testing.memory_wire import memory_wire
from runtime.vms.agent_programs import ComponentRef, ScriptRef
from runtime.vms.catalogue import (
    MANIFEST,
    AgentSpec,
    Catalogue,
    built_in_directory,
    read_manifest,
    user_directories,
)
from runtime.vms.host import open_host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    from runtime.client.notification import Notification
    from runtime.testing.loop import Loop

PREFIX: Final = "torpor-test-"

START_SECONDS: Final = 30.0
"""For a daemon to be there: many times what it takes on a busy machine."""

POLL_SECONDS: Final = 0.01
"""Between looks whether it is there: there is no event to wait for."""


class Place(Protocol):
    """Where VMs are made."""

    def open(self, hear: Callable[[Notification], None]) -> contextlib.AbstractAsyncContextManager[Link]:
        """Give a link to the host."""
        ...

    def agent(self, path: Path) -> str:
        """Make the agent of a component, a manifest or a manifest's folder known, and return its id.

        Raises ValueError where the place cannot take it.
        """
        ...

    def close(self) -> None:
        """End what belongs to the place."""
        ...


class Agents(Catalogue):
    """The installed agents, and those that tests name by a path."""

    def __init__(self, user: Iterable[Path]) -> None:
        super().__init__(built_in_directory(), user)
        self._added: dict[str, AgentSpec] = {}

    def add(self, spec: AgentSpec) -> None:
        """Make one known, in front of all others."""
        self._added[spec.id] = spec

    def get(self, agent_type: str) -> AgentSpec:
        """As `Catalogue.get`."""
        return self._added.get(agent_type) or super().get(agent_type)


class InProcess:
    """A host in this process: no daemon, no socket."""

    def __init__(self, loop: Loop) -> None:
        self._agents = Agents(user_directories())
        self._stack = contextlib.ExitStack()
        directory, _ = self._stack.enter_context(scratch_directory(PREFIX))
        self._service = self._stack.enter_context(loop.entered(self._serving(directory / "torpor.db")))

    @contextlib.asynccontextmanager
    async def _serving(self, state: Path) -> AsyncIterator[Service]:
        engine = make_engine(open_cache())
        async with (
            open_store(state, durability=Durability.NONE) as store,  # a power cut ends the tests, too
            open_host(store, engine, self._agents) as host,
        ):
            yield Service(host, state)

    @contextlib.asynccontextmanager
    async def open(self, hear: Callable[[Notification], None]) -> AsyncIterator[Link]:
        """As `Place.open`."""
        async with trio.open_nursery() as nursery:
            ours, theirs = memory_wire()
            nursery.start_soon(Connection(theirs, self._service, SERVED).run)
            link = Link(ours, hear)
            nursery.start_soon(link.run)
            try:
                yield link
            finally:
                nursery.cancel_scope.cancel()

    def agent(self, path: Path) -> str:
        """As `Place.agent`."""
        spec = agent_at(path)
        self._agents.add(spec)
        return spec.id

    def close(self) -> None:
        """End the host."""
        self._stack.close()


class AtSocket:
    """A daemon that somebody else started."""

    def __init__(self, place: str) -> None:
        self._place = place

    @contextlib.asynccontextmanager
    async def open(self, hear: Callable[[Notification], None]) -> AsyncIterator[Link]:
        """As `Place.open`. Raises ConnectError."""
        link = Link(await open_wire(endpoint(self._place)), hear)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)
            try:
                yield link
            finally:
                nursery.cancel_scope.cancel()

    def agent(self, path: Path) -> str:
        """Refuse: the daemon knows its own agents."""
        raise ValueError(f"{path}: a daemon at a socket runs the agents that it knows; name one of them")

    def close(self) -> None:
        """The daemon goes on."""


class FromExecutable(AtSocket):
    """A daemon of our own, with a state and agents of its own."""

    def __init__(self, executable: str) -> None:
        self._stack = contextlib.ExitStack()
        self._directory, lock = self._stack.enter_context(scratch_directory(PREFIX))
        self._agents = self._directory / "agents"
        self._agents.mkdir()
        socket, state = self._directory / "s", self._directory / "state" / "torpor.db"
        super().__init__(str(socket))
        known = os.pathsep.join(str(path) for path in (self._agents, *user_directories()))
        try:
            with (self._directory / "log").open("wb") as log:
                self._process = subprocess.Popen(  # noqa: S603 - who runs the tests names the executable
                    [executable, "serve", f"--socket={socket}", f"--state={state}"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "TORPOR_AGENTS": known},
                    pass_fds=(lock,),  # as long as it runs its directory is in use, whatever becomes of us
                )
        except OSError:
            self._stack.close()
            raise
        try:
            self._wait(socket)
        except BaseException:
            self.close()
            raise

    def agent(self, path: Path) -> str:
        """As `Place.agent`: a manifest is written where the daemon looks, or the agent's folder linked there."""
        spec = agent_at(path)
        folder = self._agents / spec.id
        if isinstance(spec.program, ScriptRef):
            folder.unlink(missing_ok=True)
            folder.symlink_to(spec.program.folder.resolve())
            return spec.id
        folder.mkdir(exist_ok=True)
        (folder / MANIFEST).write_text(_manifest(spec, spec.program), "utf-8")
        return spec.id

    def close(self) -> None:
        """End the daemon, and remove what it kept."""
        self._process.terminate()
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stack.close()

    def _wait(self, socket: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not socket.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self._directory / "log").read_text("utf-8", "replace")
                raise ConnectError(socket, f"the daemon did not start: {said.strip()}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(POLL_SECONDS)


def agent_at(path: Path) -> AgentSpec:
    """Return the agent of a component, of a manifest (`agent.toml`), or of the folder that has one.

    Raises ManifestError, and FileNotFoundError.
    """
    if path.is_dir():
        path /= MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such agent; build it first")
    if path.name == MANIFEST:
        return read_manifest(path, "user")
    spec = AgentSpec(path.stem, path.stem, "0", "user", ComponentRef(path.resolve()))
    beside = path.parent / MANIFEST
    if beside.is_file():
        manifest = read_manifest(beside, "user")
        if isinstance(manifest.program, ComponentRef) and manifest.program.path.name == path.name:
            return attrs.evolve(manifest, program=ComponentRef(path.resolve(), manifest.program.network))
    return spec


def _manifest(spec: AgentSpec, component: ComponentRef) -> str:
    import json  # noqa: PLC0415 - a JSON string is a TOML string, and a list of them a list

    members = {
        "id": spec.id,
        "title": spec.title,
        "version": spec.version,
        "component": str(component.path.resolve()),
        "network": list(component.network),
        "args": list(spec.args),
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in members.items()]
    lines += ["[env]", *(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in spec.env.items())]
    return "\n".join(lines) + "\n"
