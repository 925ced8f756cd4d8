"""The wasmtime engine of a process: configuration, compiled components, and the workers for guests that compute."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import trio
import wasmtime

from runtime.engine.artefacts import Artefacts, basis_of
from runtime.engine.compiling import Compiling
from runtime.engine.errors import InvalidComponentError
from runtime.engine.features import configuration
from runtime.engine.guest import Guest
from runtime.engine.order import HostOutline, Order, bounds_for
from runtime.engine.program import HostCalls, Program
from runtime.engine.recipe import Host, Recipe
from runtime.engine.turns import Processors, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from runtime.engine.cache import ArtefactCache
    from runtime.engine.component import InterfaceType
    from runtime.engine.image import Image
    from runtime.engine.interface import HostInterface
    from runtime.engine.limits import Limits

MAX_COMPONENT_BYTES: Final = 256 * 1024 * 1024
"""The largest component seen (an agent with a JavaScript engine and a shell) is 50 MB."""

MAX_PROGRAMS: Final = 256
"""Programs kept ready for the next guest. Commands in VMs are components too, and a guest can write as many as it likes."""

MAX_MODULES: Final = 1024
"""Core modules of all these: each is mapped from a file of the cache, and keeps a descriptor of it."""

COMPONENT_MAGIC: Final = b"\0asm\x0d\0\x01\0"
_MODULE_MAGIC: Final = b"\0asm\x01\0\0\0"


class Engine:
    """Compiles components (once, kept in the cache) and starts guests from them. One per process is enough.

    What a `portable` one compiles also runs on other machines, with the instructions that all of them have. `types` are those
    of the interfaces by name: a component that imports one of them otherwise is refused.
    """

    def __init__(
        self,
        interfaces: Iterable[HostInterface],
        cache: ArtefactCache | None = None,
        *,
        portable: bool = False,
        types: Mapping[str, InterfaceType] | None = None,
    ) -> None:
        self._engine = wasmtime.Engine(configuration(portable=portable))
        host = Host({interface.name: interface for interface in interfaces}, types or {})
        self._calls = HostCalls(host.interfaces)
        self._host = host
        self._portable = portable
        self._cache = cache
        self._basis = basis_of(host)
        self._artefacts = Artefacts(self._engine, host, cache, self._basis)
        self._compiling = Compiling()
        self._programs: OrderedDict[str, Program] = OrderedDict()
        self._digests: dict[tuple[Any, ...], str] = {}
        self._processors = Processors()

    def is_cached(self, content: bytes) -> bool:
        """Whether loading this component needs no compilation."""
        return self._artefacts.is_made(_digest(content))

    def artefact_names(self, content: bytes) -> list[str]:
        """The names of the cache's files that this component compiles to; none as long as it has not been compiled."""
        return self._artefacts.names(_digest(content))

    async def load(self, path: Path, tell: Callable[[int], None] | None = None, share: Share | None = None) -> Program:
        """The program in a file of the host. `tell` and `share` as for `load_content`.

        Raises InvalidComponentError, UnsupportedComponentError, OSError.
        """
        status = os.stat(path)  # noqa: PTH116 - a stat of a local file is too short to leave the loop for
        identity = (str(path), status.st_ino, status.st_size, status.st_mtime_ns)
        if (known := self._digests.get(identity)) and (program := self.known(known)):
            return program
        _check_size(status.st_size)
        share = share or Share()
        content = await trio.to_thread.run_sync(path.read_bytes, limiter=share.threads)
        program = await self.load_content(content, tell, share)
        self._digests[identity] = program.digest
        return program

    async def find(self, digest: str, share: Share | None = None) -> Program | None:
        """The program whose component has this digest, if it was compiled before; its content is not needed for that."""
        if program := self.known(digest):
            return program
        limiter = (share or Share()).threads
        made = await trio.to_thread.run_sync(self._artefacts.find, digest, limiter=limiter)
        return None if made is None else self._link(*made, digest)

    async def load_content(
        self, content: bytes, tell: Callable[[int], None] | None = None, share: Share | None = None
    ) -> Program:
        """As `load_bytes`, off the event loop. Before it waits for the compiler, `tell` is called with the component's size.

        It waits for its turn, and works on threads, of the VM whose `share` is given.
        It is compiled in a process of its own, once for all who wait for it, and given up when none does any more
        (`compiling`). An engine without a cache, which is for tests of tiny components, compiles on a thread instead. Raises
        InvalidComponentError (with its cause where compiling takes more than it may), UnsupportedComponentError, OSError.
        """
        share = share or Share()
        in_thread = partial(trio.to_thread.run_sync, limiter=share.threads)
        program = await in_thread(self._load_made, content)
        if program is not None:
            return program
        if tell is not None:
            tell(len(content))
        if self._cache is None:
            return await in_thread(self.load_bytes, content)
        digest = await in_thread(_digest, content)
        unkept = await self._compiling.run(
            digest, content, partial(self._order, digest, len(content), self._cache), share
        )
        made = await in_thread(self._artefacts.find, digest, unkept)
        if made is None:
            raise InvalidComponentError("what it was compiled to has gone from the cache")
        return self._link(*made, digest)

    def _order(self, digest: str, size: int, cache: ArtefactCache) -> Order:
        outline = HostOutline.of(self._host)
        return Order(digest, cache.place, self._basis, self._portable, outline, bounds_for(size))

    def load_bytes(self, content: bytes) -> Program:
        """The program of a component's bytes. May compile, in this process and without bounds: seconds for large ones.

        For components that are trusted, where no event loop runs: in builds and tests.
        Raises InvalidComponentError, UnsupportedComponentError.
        """
        _check_header(content)
        digest = _digest(content)
        return self.known(digest) or self._link(*self._artefacts.make(content, digest), digest)

    def _load_made(self, content: bytes) -> Program | None:
        """As `load_bytes`, but None for what would have to be compiled."""
        _check_header(content)
        digest = _digest(content)
        if program := self.known(digest):
            return program
        made = self._artefacts.find(digest)
        return None if made is None else self._link(*made, digest)

    def known(self, digest: str) -> Program | None:
        """The program whose component has this digest (`Program.digest`), if it is loaded. Needs no content, and is cheap."""
        program = self._programs.get(digest)
        if program is not None:
            with suppress(KeyError):  # another thread has just forgotten it
                self._programs.move_to_end(digest)
        return program

    def _link(self, recipe: Recipe, modules: list[wasmtime.Module], digest: str) -> Program:
        program = Program(self._engine, recipe, modules, self._calls, digest)
        program = self._programs.setdefault(digest, program)  # another thread may have linked it meanwhile
        held = sum(len(kept.places) for kept in [*self._programs.values()])
        # Guests that run keep theirs.
        while len(self._programs) > MAX_PROGRAMS or (held > MAX_MODULES and len(self._programs) > 1):
            _, forgotten = self._programs.popitem(last=False)
            held -= len(forgotten.places)
        return program

    def guest(
        self, program: Program, state: Any, limits: Limits, share: Share | None = None, image: Image | None = None
    ) -> Guest:
        """A guest of the program, not started yet; `state` is what its host functions get, `share` that of its VM.

        With an `image` it begins with another guest's memory, in `runtime.engine.image.ENTRY`.
        """
        return Guest(program, state, limits, self._processors, share or Share(), image)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _check_size(size: int) -> None:
    if size > MAX_COMPONENT_BYTES:
        raise InvalidComponentError(f"the component is larger than {MAX_COMPONENT_BYTES // 2**20} MiB")


def _check_header(content: bytes) -> None:
    _check_size(len(content))
    if content.startswith(_MODULE_MAGIC):
        raise InvalidComponentError(
            "this is a core WebAssembly module, not a component: wrap it with `wasm-tools component new` "
            "and the WASI preview1 adapter"
        )
    if not content.startswith(COMPONENT_MAGIC):
        raise InvalidComponentError("this is not a WebAssembly component")
