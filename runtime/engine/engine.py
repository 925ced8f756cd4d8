"""The wasmtime engine of a process: configuration, compiled components, and the workers for guests that compute."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections import OrderedDict
from contextlib import suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import trio
import wasmtime
from wasmtime import WasmtimeError
from wasmtime.component import Component

from runtime.engine.callbacks import CALLBACKS
from runtime.engine.errors import InvalidComponentError
from runtime.engine.features import SWITCHES, WASM_STACK_BYTES, configuration
from runtime.engine.guest import Guest, Limits, Processors
from runtime.engine.program import Program, ResourceTypes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from runtime.engine.cache import ArtefactCache
    from runtime.engine.interface import HostInterface

# The largest component seen (an agent with a JavaScript engine and a shell) is 50 MB.
MAX_COMPONENT_BYTES: Final = 256 * 1024 * 1024
# What takes a second or more to compile, and is worth a line in the log.
LARGE_BYTES: Final = 1024 * 1024

# Programs kept ready for the next guest. Commands in VMs are components too, and a guest can write as many as it likes.
MAX_PROGRAMS: Final = 256

_log = logging.getLogger(__name__)
_COMPONENT_MAGIC: Final = b"\0asm\x0d\0\x01\0"
_MODULE_MAGIC: Final = b"\0asm\x01\0\0\0"
# Whatever changes the machine code that is produced, beside wasmtime's version; part of an artefact's name.
_CONFIGURATION: Final = ";".join([*(name for name, on in SWITCHES.items() if on), f"stack={WASM_STACK_BYTES}"])


class Engine:
    """Compiles components (once, kept in the cache) and starts guests from them. One per process is enough.

    What a `portable` one compiles also runs on other machines, with the instructions that all of them have.
    """

    def __init__(
        self, interfaces: Iterable[HostInterface], cache: ArtefactCache | None = None, *, portable: bool = False
    ) -> None:
        self._engine = wasmtime.Engine(configuration(portable=portable))
        self._interfaces = {interface.name: interface for interface in interfaces}
        self._cache = cache
        self._resource_types = ResourceTypes()
        for interface in self._interfaces.values():  # now, since programs are linked on several threads
            for resource_class in interface.resources.values():
                self._resource_types.register(resource_class)
        self._programs: OrderedDict[str, Program] = OrderedDict()
        self._digests: dict[tuple[Any, ...], str] = {}
        self._compiling = trio.CapacityLimiter(1)
        self._processors = Processors()

    def is_cached(self, content: bytes) -> bool:
        """Whether loading this component needs no compilation."""
        descriptor = self._cache.open(self.artefact_key(content)) if self._cache else None
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is not None

    def artefact_key(self, content: bytes) -> str:
        """The name under which a cache has what this component compiles to."""
        return self._key(_digest(content))

    async def load(self, path: Path, tell: Callable[[int], None] | None = None) -> Program:
        """The program in a file of the host. `tell` as for `load_content`.

        Raises InvalidComponentError, UnsupportedComponentError, OSError.
        """
        status = os.stat(path)  # noqa: PTH116 - a stat of a local file is too short to leave the loop for
        identity = (str(path), status.st_ino, status.st_size, status.st_mtime_ns)
        if (known := self._digests.get(identity)) and (program := self.known(known)):
            return program
        program = await self.load_content(await trio.to_thread.run_sync(path.read_bytes), tell)
        self._digests[identity] = program.digest
        return program

    async def load_content(self, content: bytes, tell: Callable[[int], None] | None = None) -> Program:
        """As `load_bytes`, off the event loop. Before it waits for the compiler, `tell` is called with the component's size.

        A compilation takes a core and much memory, so there is one at a time. It cannot be broken off: when this is cancelled,
        it goes on without anybody, and the next to ask for the component finds what it has made. Nor does the end of
        the process wait for it, since nothing of it counts before it is whole (`ArtefactCache.store`).
        """
        program = await trio.to_thread.run_sync(self._load_made, content)
        if program is not None:
            return program
        if tell is not None:
            tell(len(content))
        # The limiter counts the thread, not who waits for it.
        return await trio.to_thread.run_sync(self.load_bytes, content, abandon_on_cancel=True, limiter=self._compiling)

    def load_bytes(self, content: bytes) -> Program:
        """The program of a component's bytes. May compile: seconds for large ones.

        Raises InvalidComponentError, UnsupportedComponentError.
        """
        _check_header(content)
        digest = _digest(content)
        return self.known(digest) or self._link(self._map_or_compile(content, digest), digest)

    def _load_made(self, content: bytes) -> Program | None:
        """As `load_bytes`, but None for what would have to be compiled."""
        _check_header(content)
        digest = _digest(content)
        if program := self.known(digest):
            return program
        component = self._map(self._key(digest))
        return None if component is None else self._link(component, digest)

    def known(self, digest: str) -> Program | None:
        """The program whose component has this digest (`Program.digest`), if it is loaded. Needs no content, and is cheap."""
        program = self._programs.get(digest)
        if program is not None:
            with suppress(KeyError):  # another thread has just forgotten it
                self._programs.move_to_end(digest)
        return program

    def _link(self, component: Component, digest: str) -> Program:
        program = Program(self._engine, component, self._interfaces, self._resource_types, CALLBACKS, digest)
        program = self._programs.setdefault(digest, program)  # another thread may have linked it meanwhile
        while len(self._programs) > MAX_PROGRAMS:  # guests that run keep theirs
            self._programs.popitem(last=False)
        return program

    def guest(self, program: Program, state: Any, limits: Limits) -> Guest:
        """A guest of the program, not started yet; `state` is what its host functions get."""
        return Guest(program, state, limits, self._processors)

    def _key(self, digest: str) -> str:
        return hashlib.sha256("|".join((digest, version("wasmtime"), _CONFIGURATION)).encode()).hexdigest()

    def _map(self, key: str) -> Component | None:
        """What the cache has under this key, if that can be used."""
        descriptor = self._cache.open(key) if self._cache else None
        if descriptor is None:
            return None
        try:
            # The descriptor's own path: what is mapped is the very file that was checked.
            return Component.deserialize_file(self._engine, f"/proc/self/fd/{descriptor}")
        except WasmtimeError:  # written by another build of wasmtime under the same version
            return None
        finally:
            os.close(descriptor)

    def _map_or_compile(self, content: bytes, digest: str) -> Component:
        if self._cache is None:
            return self._compile(content)
        key = self._key(digest)
        if component := self._map(key):
            return component
        with self._cache.alone():
            if component := self._map(key):  # another process has been compiling it
                return component
            compiled = self._compile(content)
            try:
                self._cache.store(key, compiled.serialize())
            except OSError as error:  # a full disk: it runs all the same, with more memory for each guest
                _log.warning("the compiled component could not be kept: %s", error)
                return compiled
        return self._map(key) or compiled

    def _compile(self, content: bytes) -> Component:
        if len(content) >= LARGE_BYTES:
            _log.info("compiling a component of %.1f MB", len(content) / 1e6)
        try:
            return Component(self._engine, content)
        except WasmtimeError as error:
            cause = str(error).splitlines()[-1].strip()
            cause = re.sub(r"^\d+:\s+", "", cause)  # wasmtime numbers the causes
            raise InvalidComponentError(f"not a valid component: {cause}") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _check_header(content: bytes) -> None:
    if len(content) > MAX_COMPONENT_BYTES:
        raise InvalidComponentError(f"the component is larger than {MAX_COMPONENT_BYTES // 2**20} MiB")
    if content.startswith(_MODULE_MAGIC):
        raise InvalidComponentError(
            "this is a core WebAssembly module, not a component: wrap it with `wasm-tools component new` "
            "and the WASI preview1 adapter"
        )
    if not content.startswith(_COMPONENT_MAGIC):
        raise InvalidComponentError("this is not a WebAssembly component")
