"""What a component is compiled to, kept in the cache: its recipe, and machine code for each of its core modules.

Modules are kept by their own content, so that components with equal modules (a libc, the glue of the same imports, an
interpreter) share them on disk and in memory. The recipe is stored last: where it is, everything was.

`prepare` is what the compiler's process does for a daemon (`compiling`), which then finds what was made.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import wasmtime
from wasmtime import Module, WasmtimeError

from runtime.engine.component import parse
from runtime.engine.errors import InvalidComponentError
from runtime.engine.features import SWITCHES, WASM_STACK_BYTES
from runtime.engine.linking import write_recipe
from runtime.engine.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.engine.cache import ArtefactCache
    from runtime.engine.recipe import Host

SMALL_BYTES: Final = 256 * 1024
"""Commands in VMs as C compilers make them are below; what is above may take seconds, and those below do not wait for it."""

logger = logging.getLogger(__name__)

_RECIPE_VERSION: Final = 7
"""Changes when recipes of the same component are to be written anew: with what is in them."""

_CONFIGURATION: Final = ";".join([*(name for name, on in SWITCHES.items() if on), f"stack={WASM_STACK_BYTES}"])
"""Whatever changes the machine code that is produced, beside wasmtime's version; part of an artefact's name."""

Made = tuple[Recipe, list[Module]]
"""A recipe, and its modules in the order of its instantiations."""


class Basis(NamedTuple):
    """What artefacts depend on beside their component; part of their names."""

    code: str
    """For machine code."""
    rules: str
    """For recipes."""


def basis_of(host: Host) -> Basis:
    """The basis of an engine with this host in this program."""
    code = f"{_wasmtime_version()}|{_CONFIGURATION}"
    return Basis(code, "|".join((code, str(_RECIPE_VERSION), sys.version.split()[0], host.fingerprint())))


def _wasmtime_version() -> str:
    """As importlib.metadata tells it, whose import takes a twentieth of a daemon's start."""
    beside = list(Path(wasmtime.__path__[0]).parent.glob("wasmtime-*.dist-info"))
    if len(beside) == 1:
        return beside[0].stem.removeprefix("wasmtime-")
    from importlib.metadata import version  # noqa: PLC0415 - see above

    return version("wasmtime")


class Artefacts:
    """The artefacts of one engine. Safe to use on several threads."""

    def __init__(self, engine: wasmtime.Engine, host: Host, cache: ArtefactCache | None, basis: Basis) -> None:
        self._engine = engine
        self._host = host
        self._cache = cache
        self._basis = basis
        self._modules: weakref.WeakValueDictionary[str, Module] = weakref.WeakValueDictionary()

    def names(self, digest: str) -> list[str]:
        """The cache's names of all that the component with this SHA-256 has been compiled to; none if it has not."""
        recipe = self._find_recipe(digest, {})
        if recipe is None:
            return []
        return [self._recipe_name(digest), *(self._module_name(of.key) for of in recipe.instantiations)]

    def is_made(self, digest: str) -> bool:
        """Whether `find` will find it."""
        names = self.names(digest)
        return bool(names) and all(self._has(name) for name in names)

    def find(self, digest: str, unkept: Mapping[str, bytes] | None = None) -> Made | None:
        """What the cache has of the component, or what `prepare` has returned; None where anything is missing."""
        recipe = self._find_recipe(digest, unkept or {})
        if recipe is None:
            return None
        modules = []
        for of in recipe.instantiations:
            module = self._find_module(of.key, unkept or {})
            if module is None:
                return None
            modules.append(module)
        return recipe, modules

    def make(self, content: bytes, digest: str) -> Made:
        """As `find`, compiling what is missing: seconds for large components.

        Raises InvalidComponentError, UnsupportedComponentError.
        """
        if self._cache is None:
            return self._compile(content, digest)
        with self._cache.exclusive(digest, large=len(content) > SMALL_BYTES):
            return self.find(digest) or self._compile(content, digest)

    def prepare(self, content: bytes, digest: str) -> dict[str, bytes]:
        """Compile what is missing into the cache; by name what could not be kept there, which is nothing as a rule.

        The cache's lock is the caller's business. Raises InvalidComponentError, UnsupportedComponentError.
        """
        unkept: dict[str, bytes] = {}
        if self.is_made(digest):
            return unkept
        recipe, contents = write_recipe(parse(content), self._host)
        for key, code in contents.items():
            name = self._module_name(key)
            if not self._has(name):
                self._store_or_return(name, bytes(self._compile_module(code).serialize()), unkept)
        self._store_or_return(self._recipe_name(digest), recipe.dump(), unkept)
        return unkept

    def _store_or_return(self, name: str, artefact: bytes, unkept: dict[str, bytes]) -> None:
        if not self._store(name, artefact):
            unkept[name] = artefact

    def _compile(self, content: bytes, digest: str) -> Made:
        recipe, contents = write_recipe(parse(content), self._host)
        modules = {key: self._find_module(key, {}) or self._make_module(key, code) for key, code in contents.items()}
        self._store(self._recipe_name(digest), recipe.dump())
        return recipe, [modules[of.key] for of in recipe.instantiations]

    def _make_module(self, key: str, content: bytes) -> Module:
        module = self._compile_module(content)
        if self._store(self._module_name(key), module.serialize()):
            return self._find_module(key, {}) or module  # mapped, its guests share their initial memory
        return module

    def _compile_module(self, content: bytes) -> Module:
        try:
            return Module(self._engine, content)
        except WasmtimeError as error:
            cause = str(error).splitlines()[-1].strip()
            cause = re.sub(r"^\d+:\s+", "", cause)  # wasmtime numbers the causes
            raise InvalidComponentError(f"not a valid component: {cause}") from error

    # The cache

    def _recipe_name(self, digest: str) -> str:
        return f"{_hash(digest, self._basis.rules)}.recipe"

    def _module_name(self, key: str) -> str:
        return f"{_hash(key, self._basis.code)}.cwasm"

    def _has(self, name: str) -> bool:
        descriptor = self._cache.open(name) if self._cache else None
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is not None

    def _find_recipe(self, digest: str, unkept: Mapping[str, bytes]) -> Recipe | None:
        name = self._recipe_name(digest)
        if name in unkept:
            return Recipe.load(unkept[name])
        descriptor = self._cache.open(name) if self._cache else None
        if descriptor is None:
            return None
        with os.fdopen(descriptor, "rb") as file:
            return Recipe.load(file.read())

    def _find_module(self, key: str, unkept: Mapping[str, bytes]) -> Module | None:
        known = self._modules.get(key)
        if known is not None:
            return known
        name = self._module_name(key)
        if name in unkept:
            return self._modules.setdefault(key, Module.deserialize(self._engine, unkept[name]))
        descriptor = self._cache.open(name) if self._cache else None
        if descriptor is None:
            return None
        try:
            # The descriptor's own path: what is mapped is the very file that was checked.
            module = Module.deserialize_file(self._engine, f"/proc/self/fd/{descriptor}")
        except WasmtimeError:  # written by another build of wasmtime under the same version
            return None
        finally:
            os.close(descriptor)
        return self._modules.setdefault(key, module)

    def _store(self, name: str, artefact: bytes | bytearray) -> bool:
        """Whether it was kept."""
        if self._cache is None:
            return False
        try:
            self._cache.store(name, artefact)
        except OSError as error:  # a full disk: it runs all the same, with more memory for each guest
            logger.warning("the compiled component could not be kept: %s", error)
            return False
        return True


def _hash(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
