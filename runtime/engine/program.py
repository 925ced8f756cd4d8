"""A component, compiled and linked: what guests are started from."""

from __future__ import annotations

import ctypes
import weakref
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runtime.engine import glue, native
from runtime.engine.abi.calls import HostCall
from runtime.engine.callbacks import CALLBACKS, RESUME_CALLBACK, THROWN_CALLBACK, WAIT_CALLBACK
from runtime.engine.crossings import signatures
from runtime.engine.current import current
from runtime.engine.limits import ELEMENT, Bounds, share_out
from runtime.engine.recipe import FROM_HOST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import wasmtime

    from runtime.engine.interface import HostInterface
    from runtime.engine.recipe import HostImport, Recipe

MAX_CORE_TYPES: Final = 256
"""Functions between the components of one may be of any type: beyond these, each is made anew."""

SPARE_LINKERS: Final = 4
"""Of a program, of 0.3 KB for each function that it imports (19 KB with 60): guests begin one after another, but for
those whose modules' start functions take long."""

_RESOURCE_TYPES: Final = {
    "drop": (("i32",), ()),
    "take": (("i32",), ("i32", "i32")),
    "left": ((), ()),
    "new": (("i32",), ("i32",)),
    "rep": (("i32",), ("i32",)),
}


class HostCalls:
    """The host functions as core functions, each made once for all programs that import it alike."""

    def __init__(self, interfaces: Mapping[str, HostInterface]) -> None:
        self._interfaces = interfaces
        self._core_types: dict[tuple[tuple[str, ...], tuple[str, ...]], wasmtime.FuncType] = {}
        # Programs keep theirs.
        self._calls: weakref.WeakValueDictionary[tuple[Any, ...], HostCall] = weakref.WeakValueDictionary()

    def core_type(self, params: tuple[str, ...], results: tuple[str, ...]) -> wasmtime.FuncType:
        """A core type, made once for the engine: WASI's functions share some fifty."""
        found = self._core_types.get((params, results))
        if found is None:
            found = native.function_type(params, results)
            if len(self._core_types) < MAX_CORE_TYPES:
                self._core_types[params, results] = found
        return found

    def get(self, imported: HostImport) -> HostCall:
        """The call of an import."""
        key = imported.interface, imported.name, imported.type, imported.encoding
        found = self._calls.get(key)
        if found is None:
            interface = self._interfaces[imported.interface]
            found = self._calls[key] = HostCall(
                f"{imported.interface}#{imported.name}",
                interface.functions[imported.name],
                imported.type,
                imported.encoding,
                current,
                instant=imported.name in interface.instant,
                views=imported.name in interface.views,
                raw=interface.raw,
            )
        return found


def _delete_linkers(linker: int, spare: list[int]) -> None:
    for each in (linker, *spare):
        native.linker_delete(each)


class Place(NamedTuple):
    """One module to be instantiated."""

    module: int
    """Its address."""
    name: int
    """The address of its instance's name, and how long that is; 0 where nobody imports from it."""
    name_size: int
    memories: tuple[tuple[bytes, tuple[int, ...]], ...]
    """(name of the export, contexts of the functions that work on it)"""
    elements: tuple[tuple[int, bytes], ...]
    """(element of the glue's table, name of the export that belongs there)"""
    measured: tuple[bytes, ...]
    """Names of memories that are counted as the guest's."""


class Program:
    """What is the same for all guests of a component."""

    def __init__(
        self, engine: wasmtime.Engine, recipe: Recipe, modules: Sequence[wasmtime.Module], calls: HostCalls, digest: str
    ) -> None:
        self.engine = engine
        self.recipe: Final = recipe
        self.digest: Final = digest
        self.linker: Final = native.linker(engine)
        self._spare_linkers: list[int] = []
        weakref.finalize(self, _delete_linkers, self.linker, self._spare_linkers).atexit = False
        self._keep: list[Any] = [*modules]
        self._bounds: tuple[int, Bounds] | None = None
        nothing, resume = calls.core_type((), ()), calls.core_type(("i32",), ("i64", "i64"))
        native.define(self.linker, glue.HOST, glue.WAIT, nothing, WAIT_CALLBACK)
        native.define(self.linker, glue.HOST, glue.RESUME, resume, RESUME_CALLBACK)
        native.define(self.linker, glue.HOST, glue.THROWN, nothing, THROWN_CALLBACK)
        for imported in recipe.functions:
            self._define(imported, calls)
        self.places: Final = [
            Place(native.pointer(module), *self._buffer(of.name), *self._wanted_of(index))
            for index, (of, module) in enumerate(zip(recipe.instantiations, modules, strict=True))
        ]
        self.from_host: Final = [(n, name.encode()) for n, (at, name) in enumerate(recipe.elements) if at == FROM_HOST]
        """(element of the glue's table, name of the host's function that belongs there)"""
        self.run: Final = recipe.run[0], recipe.run[1].encode()
        self.post_return: Final = recipe.post_return and (recipe.post_return[0], recipe.post_return[1].encode())
        self.table_bytes: Final = ELEMENT * sum(table.minimum for table in recipe.all_tables)

    def take_linker(self) -> int:
        """A linker with all host functions, for a guest to define its instances in, and to be given back."""
        return self._spare_linkers.pop() if self._spare_linkers else native.linker_clone(self.linker)

    def give_linker(self, linker: int, *, whole: bool) -> None:
        """Let another guest have it, if it is `whole`: that one defines all instances anew, before anything imports them."""
        if whole and len(self._spare_linkers) < SPARE_LINKERS:
            self._spare_linkers.append(linker)
        else:
            native.linker_delete(linker)

    def _wanted_of(self, place: int) -> tuple[Any, Any, Any]:
        recipe = self.recipe
        memories = [
            (name.encode(), tuple(n for n, of in enumerate(recipe.contexts) if of.memory == number))
            for number, (at, name) in enumerate(recipe.memories)
            if at == place
        ]
        elements = tuple((n, name.encode()) for n, (at, name) in enumerate(recipe.elements) if at == place)
        return tuple(memories), elements, tuple(name.encode() for at, name in recipe.measured if at == place)

    def bounds(self, limit: int) -> Bounds:
        """What each memory and table may have, so that all have at most `limit` bytes. Raises TooLargeError."""
        if self._bounds is None or self._bounds[0] != limit:  # guests of a program mostly have one limit
            self._bounds = limit, share_out(self.recipe.all_memories, self.recipe.all_tables, limit)
        return self._bounds[1]

    def _buffer(self, name: str) -> tuple[int, int]:
        raw = name.encode()
        buffer = ctypes.create_string_buffer(raw)
        self._keep.append(buffer)
        return ctypes.addressof(buffer), len(raw)

    def _define(self, imported: HostImport, calls: HostCalls) -> None:
        if imported.kind == "import":
            call = calls.get(imported)
            self._keep.append(call)
            results = (*((call.result,) if call.result else ()), *(("i64",) if call.glued else ()))
            core_type, callback = calls.core_type(call.params, results), call.callback
        else:
            core_type, callback = calls.core_type(*self._core_type(imported)), CALLBACKS[imported.kind]
        native.define(self.linker, glue.HOST, imported.field, core_type, callback, imported.number)

    def _core_type(self, imported: HostImport) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if imported.kind in _RESOURCE_TYPES:
            return _RESOURCE_TYPES[imported.kind]
        outer, inner = signatures(self.recipe.crossings[imported.number].type)
        return {
            "enter": (outer.params, ("i64",)),
            "arguments": ((), inner.params),
            "leave": (inner.results, ("i64",)),
            "done": ((), outer.results),
        }[imported.kind]
