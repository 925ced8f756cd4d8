"""Guest programs on the real host: engine, store, filesystem, processes and HTTP gate, put together as a VM puts them.

A test says by `@pytest.mark.guest("NAME", ...)` which programs of tests/guests it is about. It can run no others, and fails
when it has not started every one of them: so the marks can be counted (see test_guests.py) and cannot lie.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from runtime.engine import ArtefactCache, Exit, Share
from runtime.network import HttpGate, NetworkPolicy
from runtime.posix.host import make_engine
from runtime.store.store import open_store
from runtime.vms.catalogue import ComponentRef
from runtime.vms.files import VmFiles
from runtime.vms.options import VmOptions
from runtime.vms.processes import Processes
from runtime.vms.surroundings import Surroundings
from runtime.vms.volume import Volume

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from runtime.engine import Engine, Limits
    from runtime.network import HttpExchange
    from runtime.network.backend import Resolver
    from runtime.store.store import Store
    from runtime.vms.process import AttachedProcess
    from runtime.wasi.state import Ambient

GUESTS = Path(__file__).resolve().parents[1] / "guests"
MARK = "guest"
STARTED: pytest.StashKey[set[str]] = pytest.StashKey()
DECLARED: pytest.StashKey[dict[str, set[str]]] = pytest.StashKey()
"""By test file: the programs that its tests are about, however many of the tests are run in the end."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}(*names): the programs of tests/guests that a test is about")


def declared(item: pytest.Item) -> set[str]:
    return {name for mark in item.iter_markers(MARK) for name in mark.args}


@pytest.hookimpl(tryfirst=True)  # before -k and the like leave some out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    declarations: dict[str, set[str]] = {}
    for item in items:
        if item.path.parent == Path(__file__).parent and not item.get_closest_marker("skip"):
            declarations.setdefault(item.path.name, set()).update(declared(item))
    config.stash[DECLARED] = declarations


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    result = yield
    never = declared(pyfuncitem) - pyfuncitem.stash.get(STARTED, set())
    assert not never, f"the test is marked as one of {sorted(never)}, but has not started it"
    return result  # type: ignore[return-value]  # the hook's result, which pytest's types do not know


def built(name: str) -> Path:
    """The component of a program of tests/guests."""
    path = GUESTS / "dist" / f"{name}.wasm"
    if not path.is_file():
        pytest.fail(f"{path} has not been built: run `make guests`", pytrace=False)
    return path


@attrs.frozen
class Outcome:
    """How a guest ended and what it wrote."""

    exit: Exit
    stdout: bytes
    stderr: bytes

    @property
    def lines(self) -> list[str]:
        """Stdout's lines, of a guest that has ended well: the exit code is 0, and nothing is on stderr."""
        assert (self.exit, self.stderr) == (Exit("exit", 0), b""), self
        return self.stdout.decode().splitlines()


@attrs.define
class Machine:
    """What a VM has around its guests, without sessions."""

    volume: Volume
    surroundings: Surroundings
    processes: Processes
    exchanges: list[HttpExchange]
    nursery: trio.Nursery
    item: pytest.Item

    @property
    def files(self) -> VmFiles:
        """The same files as a client sees them."""
        return VmFiles(self.volume)

    async def spawn(
        self, name: str, *args: str, env: dict[str, str] | None = None, cwd: str = "/", limits: Limits | None = None
    ) -> AttachedProcess:
        """Start a program of tests/guests."""
        assert name in declared(self.item), f"mark the test with @pytest.mark.{MARK}({name!r})"
        path = built(name)
        self.item.stash.setdefault(STARTED, set()).add(name)
        return await self.spawn_file(path, [name, *args], env=env, cwd=cwd, limits=limits)

    async def install(self, name: str, mode: int = 0o755) -> None:
        """Have a program of tests/guests at /bin/NAME."""
        assert name in declared(self.item), f"mark the test with @pytest.mark.{MARK}({name!r})"
        self.item.stash.setdefault(STARTED, set()).add(name)
        await self.files.write_file(f"/bin/{name}", built(name).read_bytes())
        self.volume.filesystem.chmod(f"/bin/{name}", mode)

    async def command(
        self, *argv: str, stdin: bytes = b"", cwd: str = "/", env: dict[str, str] | None = None
    ) -> Outcome:
        """Run a program that is in the VM to its end, as a command of a client."""
        return await finish(await self.processes.spawn([*argv], env or {}, cwd), stdin)

    async def spawn_file(
        self,
        path: Path,
        argv: list[str],
        *,
        env: dict[str, str] | None = None,
        cwd: str = "/",
        limits: Limits | None = None,
    ) -> AttachedProcess:
        """Start any component."""
        processes = self.processes
        if limits is not None:
            processes = Processes(attrs.evolve(self.surroundings, limits=limits), self.nursery)
        return await processes.spawn(argv, env or {}, cwd, agent=ComponentRef(path))

    async def run(
        self,
        name: str,
        *args: str,
        env: dict[str, str] | None = None,
        stdin: bytes = b"",
        limits: Limits | None = None,
        cwd: str = "/",
    ) -> Outcome:
        """Run a program to its end."""
        return await finish(await self.spawn(name, *args, env=env, cwd=cwd, limits=limits), stdin)


async def finish(process: AttachedProcess, stdin: bytes = b"") -> Outcome:
    """Feed a process, take what it writes, and wait for its end."""
    written: dict[str, bytes] = {}

    async def feed() -> None:
        with suppress(trio.BrokenResourceError):  # it has ended without reading all of it
            await process.send(stdin)
        process.stdin.end()

    async def take(name: str, receive: Callable[[], Awaitable[bytes]]) -> None:
        written[name] = await read_all(receive)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        nursery.start_soon(take, "stdout", process.receive)
        nursery.start_soon(take, "stderr", process.receive_stderr)
        ended = await process.wait()
    return Outcome(ended, **written)


async def read_all(receive: Callable[[], Awaitable[bytes]]) -> bytes:
    pieces = []
    while piece := await receive():
        pieces.append(piece)
    return b"".join(pieces)


async def read_until(receive: Callable[[], Awaitable[bytes]], text: bytes) -> None:
    """Take what is written until the text has come; what has come after it is taken as well."""
    seen = b""
    while text not in seen:
        piece = await receive()
        assert piece, f"{text!r} did not come, but {seen!r}"
        seen += piece


@attrs.define
class World:
    """One state file and the machines that live in it."""

    store: Store
    engine: Engine
    _nursery: trio.Nursery
    _item: pytest.Item
    _gates: list[HttpGate] = attrs.field(factory=list)

    async def aclose(self) -> None:
        """End what has been started."""
        self._nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            for gate in self._gates:
                await gate.aclose()

    async def machine(
        self,
        name: str = "vm",
        *,
        ambient: Ambient | None = None,
        resolver: Resolver | None = None,
        **options: Any,
    ) -> Machine:
        """The VM of that name with these VmOptions, with its files as they were last made durable."""
        chosen = VmOptions(**options)
        record, _ = await self.store.vms.get_or_create(name, {}, 0)
        volume = Volume(self.store, record, chosen, ambient)
        volume.prepare()
        exchanges: list[HttpExchange] = []
        self._gates.append(HttpGate(NetworkPolicy.parse(chosen.allow), exchanges.append, resolver=resolver))
        surroundings = Surroundings(
            engine=self.engine,
            share=Share(),
            filesystem=volume.filesystem,
            ambient=volume.ambient,
            gate=self._gates[-1],
            limits=chosen.guest_limits,
            max_processes=chosen.processes,
            sync_filesystem=volume.flush,
            touch=lambda: None,
            tell_compiling=lambda _program, _size: None,
        )
        processes = Processes(surroundings, self._nursery)
        volume.filesystem.proc = processes.proc
        return Machine(volume, surroundings, processes, exchanges, self._nursery, self._item)


@pytest.fixture
def engine(component_cache: Path) -> Engine:
    return make_engine(ArtefactCache(component_cache))


OpenWorld = "Callable[[], AbstractAsyncContextManager[World]]"


@pytest.fixture
def open_world(tmp_path: Path, engine: Engine, request: pytest.FixtureRequest) -> OpenWorld:
    """Opens the test's state file; again, as after a restart of the daemon, once the block before is left."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[World]:
        async with open_store(tmp_path / "state.db") as store, trio.open_nursery() as nursery:
            world = World(store, engine, nursery, request.node)
            try:
                yield world
            finally:
                await world.aclose()

    return opened


@pytest.fixture
async def world(open_world: OpenWorld) -> AsyncIterator[World]:
    async with open_world() as world:
        yield world


@pytest.fixture
async def machine(world: World) -> Machine:
    return await world.machine()


@pytest.fixture
def run_guest(machine: Machine) -> Callable[..., Awaitable[Outcome]]:
    """`run_guest(name, *args, env=, stdin=, limits=)` in a VM of its own."""
    return partial(machine.run)
