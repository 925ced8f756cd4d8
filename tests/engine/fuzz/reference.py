"""wasmtime's component API for the fuzzer, by its C functions: `tests.engine.oracle` says the same ten times slower.

wasmtime-py looks up every type anew at each call. Here the types are known, and what wasmtime has lifted is read from its
`wasmtime_component_val_t` (32 bytes: a kind, and from the 8th byte on what it has) by one closure for each type.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import c_bool, c_size_t, c_uint32, c_void_p
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

import wasmtime
from wasmtime import _ffi as ffi
from wasmtime import component as wit

from runtime.engine import Err, HostInterface, Ok, Resource, WitError
from runtime.engine.abi.layout import cases, fields
from runtime.engine.abi.load import LETTERS
from runtime.engine.native import HOST_MEMORY
from tests.engine.oracle import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.engine.component.types import FuncType

Read = Callable[["Guest", int], Any]
Write = Callable[["Guest", int, Any], None]

_SIZE: Final = ctypes.sizeof(ffi.wasmtime_component_val_t)
_AT: Final = int(ffi.wasmtime_component_val_t.of.offset)
_ENTRY: Final = 16 + _SIZE  # of a record: a name and a value
_VECTOR: Final = 16  # size and data
_library: Final = ctypes.PyDLL(ffi.dll._name)
_KINDS: Final = {
    "bool": 0, "s8": 1, "u8": 2, "s16": 3, "u16": 4, "s32": 5, "u32": 6, "s64": 7, "u64": 8, "f32": 9, "f64": 10, "char": 11,
    "string": 12, "list": 13, "record": 14, "tuple": 15, "variant": 16, "enum": 17, "option": 18, "result": 19, "flags": 20,
    "own": 21, "borrow": 21,
}  # fmt: skip
_pack_kind: Final = Struct("<Q").pack_into
_quads: Final = Struct("<2Q").unpack_from
_pack_quads: Final = Struct("<2Q").pack_into
_quad: Final = Struct("<Q").unpack_from


def _function(name: str, result: Any, *arguments: Any) -> Any:
    function = _library[f"wasmtime_component_{name}"]
    function.restype, function.argtypes = result, arguments
    return function


_new_vectors: Final = {
    kind: _function(f"val{kind}_new_uninit", None, c_void_p, c_size_t) for kind in ("list", "record", "tuple", "flags")
}
_val_new = _function("val_new", c_void_p, c_void_p)
_val_free = _function("val_free", None, c_void_p)
_any_to_host = _function("resource_any_to_host", c_void_p, c_void_p, c_void_p, c_void_p)
_host_to_any = _function("resource_host_to_any", c_void_p, c_void_p, c_void_p, c_void_p)
_host_new = _function("resource_host_new", c_void_p, c_bool, c_uint32, c_uint32)
_host_rep = _function("resource_host_rep", c_uint32, c_void_p)
_host_delete = _function("resource_host_delete", None, c_void_p)
_add_func = _function(
    "linker_instance_add_func", c_void_p, c_void_p, ctypes.c_char_p, c_size_t, c_void_p, c_void_p, c_void_p
)
_name_new = _library["wasm_byte_vec_new"]
_name_new.restype, _name_new.argtypes = None, (c_void_p, c_size_t, ctypes.c_char_p)
_error_new = _library["wasmtime_error_new"]
_error_new.restype, _error_new.argtypes = c_void_p, (ctypes.c_char_p,)
_error_delete = _library["wasmtime_error_delete"]
_error_delete.restype, _error_delete.argtypes = None, (c_void_p,)
# (data, context, type, arguments, their number, results, their number); returns an error or 0
_CALLBACK: Final = ctypes.CFUNCTYPE(c_size_t, *[c_size_t] * 7)


class Guest:
    """One run."""

    def __init__(self, state: Any) -> None:
        self.state = state
        self.context = 0
        self.held: dict[int, Resource] = {}
        """What the guest owns, by representation."""
        self.given = 0
        self.ended: Outcome | None = None


class Reference:
    """A component on wasmtime's own component API; its guests run one after another."""

    def __init__(
        self, engine: wasmtime.Engine, interface: HostInterface, types: Mapping[str, FuncType], content: bytes
    ) -> None:
        self._engine = engine
        self._component = wit.Component(engine, content)
        self._linker = wit.Linker(engine)
        self._guest = Guest(None)
        self._numbers = {c: number for number, c in enumerate(interface.resources.values(), 1)}
        self._keep: list[Any] = []
        with self._linker.root() as root, root.add_instance(f"{interface.name}@0.2.0") as instance:
            for name, resource_class in interface.resources.items():
                number = self._numbers[resource_class]
                instance.add_resource(name, wit.ResourceType.host(number), lambda _store, rep: self._drop(rep))
            address = ctypes.cast(instance.ptr(), c_void_p).value
            for name, type_ in types.items():
                callback = _CALLBACK(self._function(interface.functions[name], type_))
                self._keep.append(callback)
                failed = _add_func(address, name.encode(), len(name), ctypes.cast(callback, c_void_p), None, None)
                assert not failed, name

    def run(self, state: Any, fuel: int) -> Outcome:
        """Instantiate, call `wasi:cli/run`, and say how it ended. What the guest held is dropped then."""
        self._guest = guest = Guest(state)
        store = wasmtime.Store(self._engine)
        store.set_fuel(fuel)
        try:
            instance = self._linker.instantiate(store, self._component)
            index = instance.get_export_index(store, "wasi:cli/run@0.2.0")
            index = instance.get_export_index(store, "run", index)
            assert index is not None
            function = instance.get_func(store, index)
            assert function is not None
            result = function(store)
            function.post_return(store)
        except wasmtime.WasmtimeError as error:
            text = str(error)
            return guest.ended or Outcome("out_of_fuel" if "all fuel consumed" in text else "trap", message=text)
        finally:
            for resource in guest.held.values():
                resource.drop()
            store.close()
        return Outcome("exit", code=int(result is not None and getattr(result, "tag", "ok") == "err"))

    def _drop(self, rep: int) -> None:
        self._guest.held.pop(rep).drop()

    def _function(self, function: Callable[..., Any], type_: FuncType) -> Callable[..., int]:
        readers = [reader(t) for _, t in type_.params]
        offsets = range(0, _SIZE * len(readers), _SIZE)
        result = type_.result
        write = None if result is None else writer(result, tuple(self._numbers.items()))
        is_result = result is not None and result[0] == "result"

        def call(_data: int, context: int, _type: int, args: int, _nargs: int, results: int, _nresults: int) -> int:
            guest = self._guest
            try:
                guest.context = context
                values = [read(guest, args + offset) for read, offset in zip(readers, offsets, strict=True)]
                for offset in offsets:
                    _val_free(_val_new(args + offset))
                try:
                    value, failed = function(guest.state, *values), False
                except WitError as error:
                    value, failed = error.value, True
                if is_result:
                    value = Err(value) if failed else Ok(value)
                if write is not None:
                    write(guest, results, value)
            except BaseException as error:
                guest.ended = Outcome("fault", message=repr(error))
                return int(_error_new(b"the host has failed"))
            return 0

        return call


def _data(at: int) -> bytes:
    size, data = _quads(HOST_MEMORY, at)
    return HOST_MEMORY[data : data + size].tobytes()


@lru_cache(4096)
def reader(t: Any) -> Read:
    """What reads a value that wasmtime has lifted. Memory stays wasmtime's."""
    if t == "string":
        return lambda _guest, at: _data(at + _AT).decode()
    if isinstance(t, str):
        unpack = Struct("<" + LETTERS[t]).unpack_from
        if t == "char":
            return lambda _guest, at: chr(unpack(HOST_MEMORY, at + _AT)[0])
        return lambda _guest, at: unpack(HOST_MEMORY, at + _AT)[0]
    match t[0]:
        case "own" | "borrow":
            return _handle_reader(own=t[0] == "own")
        case "list":
            return _list_reader(t[1])
        case "enum":
            return lambda _guest, at: _data(at + _AT).decode()
        case "flags":
            return _read_flags
        case "record" | "tuple":
            size, begin = (_ENTRY, _VECTOR) if t[0] == "record" else (_SIZE, 0)
            parts = [(reader(field), n * size + begin) for n, field in enumerate(fields(t))]

            def read(guest: Guest, at: int) -> Any:
                data = _quads(HOST_MEMORY, at + _AT)[1]
                return tuple([part(guest, data + offset) for part, offset in parts])

            return read
    return _case_reader(t)


def _case_reader(t: Any) -> Read:
    payloads = {name: None if payload is None else reader(payload) for name, payload in cases(t)}

    def of(guest: Guest, name: str, box: int) -> Any:
        payload = payloads[name]
        return None if payload is None else payload(guest, box)

    match t[0]:
        case "option":
            return lambda guest, at: of(guest, "some", box) if (box := _quad(HOST_MEMORY, at + _AT)[0]) else None
        case "result":

            def read(guest: Guest, at: int) -> Any:
                ok, box = _quads(HOST_MEMORY, at + _AT)
                return Ok(of(guest, "ok", box)) if ok & 0xFF else Err(of(guest, "error", box))

            return read

    def read_variant(guest: Guest, at: int) -> Any:
        name = _data(at + _AT).decode()
        return name, of(guest, name, _quad(HOST_MEMORY, at + _AT + _VECTOR)[0])

    return read_variant


def _list_reader(element: Any) -> Read:
    if element == "u8":

        def read_bytes(_guest: Guest, at: int) -> Any:
            size, data = _quads(HOST_MEMORY, at + _AT)
            return HOST_MEMORY[data + _AT : data + size * _SIZE : _SIZE].tobytes() if size else b""

        return read_bytes
    item = reader(element)

    def read(guest: Guest, at: int) -> Any:
        size, data = _quads(HOST_MEMORY, at + _AT)
        return [item(guest, each) for each in range(data, data + size * _SIZE, _SIZE)]

    return read


def _read_flags(_guest: Guest, at: int) -> Any:
    size, data = _quads(HOST_MEMORY, at + _AT)
    return frozenset([_data(each).decode() for each in range(data, data + size * _VECTOR, _VECTOR)])


def _handle_reader(*, own: bool) -> Read:
    cell = ctypes.c_size_t()
    place = ctypes.addressof(cell)

    def read(guest: Guest, at: int) -> Any:
        failed = _any_to_host(guest.context, _quad(HOST_MEMORY, at + _AT)[0], place)
        assert not failed, "not a resource of the host"
        rep = _host_rep(cell.value)
        _host_delete(cell.value)
        return guest.held.pop(rep) if own else guest.held[rep]

    return read


@lru_cache(4096)
def writer(t: Any, numbers: tuple[tuple[type, int], ...]) -> Write:
    """What writes a value that wasmtime is to lower."""
    kind = _KINDS[t if isinstance(t, str) else t[0]]
    if t == "string":
        return lambda _guest, at, value: _write_text(at, kind, value)
    if isinstance(t, str):
        pack = Struct(f"<Q{LETTERS[t]}").pack_into
        if t == "char":
            return lambda _guest, at, value: pack(HOST_MEMORY, at, kind, ord(value))
        return lambda _guest, at, value: pack(HOST_MEMORY, at, kind, value)
    match t[0]:
        case "own":
            return _handle_writer(dict(numbers))
        case "list":
            return _list_writer(writer(t[1], numbers))
        case "enum":
            return lambda _guest, at, value: _write_text(at, kind, value)
        case "flags":
            return _write_flags
        case "record" | "tuple":
            return _fields_writer(t, numbers)
    return _case_writer(t, numbers)


def _write_text(at: int, kind: int, value: str) -> None:
    _pack_kind(HOST_MEMORY, at, kind)
    data = value.encode()
    _name_new(at + _AT, len(data), data)


def _vector(at: int, kind: str, count: int) -> int:
    """Begin something of so many parts; where the first goes."""
    _pack_kind(HOST_MEMORY, at, _KINDS[kind])
    _new_vectors[kind](at + _AT, count)
    return int(_quads(HOST_MEMORY, at + _AT)[1])


def _list_writer(item: Write) -> Write:
    def write(guest: Guest, at: int, value: Any) -> None:
        data = _vector(at, "list", len(value))
        for n, each in enumerate(value):
            item(guest, data + n * _SIZE, each)

    return write


def _write_flags(_guest: Guest, at: int, value: Any) -> None:
    data = _vector(at, "flags", len(value))
    for n, name in enumerate(value):
        _name_new(data + n * _VECTOR, len(name), name.encode())


def _fields_writer(t: Any, numbers: Any) -> Write:
    parts = [writer(field, numbers) for field in fields(t)]
    names = [name.encode() for name, _ in t[1]] if t[0] == "record" else None

    def write(guest: Guest, at: int, value: Any) -> None:
        data = _vector(at, t[0], len(parts))
        for n, (part, item) in enumerate(zip(parts, value, strict=True)):
            if names is None:
                part(guest, data + n * _SIZE, item)
            else:
                _name_new(data + n * _ENTRY, len(names[n]), names[n])
                part(guest, data + n * _ENTRY + _VECTOR, item)

    return write


def _case_writer(t: Any, numbers: Any) -> Write:
    payloads = {name: None if payload is None else writer(payload, numbers) for name, payload in cases(t)}
    kind = t[0]

    def write(guest: Guest, at: int, value: Any) -> None:
        if kind == "option":
            name, payload = ("none", None) if value is None else ("some", value)
        elif kind == "result":
            name, payload = "ok" if isinstance(value, Ok) else "error", value.value
        else:
            name, payload = (value, None) if isinstance(value, str) else value
        box = 0
        if (write_payload := payloads[name]) is not None:
            cell = ctypes.create_string_buffer(_SIZE)
            write_payload(guest, ctypes.addressof(cell), payload)
            box = _val_new(ctypes.addressof(cell))
        _pack_kind(HOST_MEMORY, at, _KINDS[kind])
        if kind == "option":
            _pack_kind(HOST_MEMORY, at + _AT, box)
        elif kind == "result":
            _pack_quads(HOST_MEMORY, at + _AT, name == "ok", box)
        else:
            _name_new(at + _AT, len(name), name.encode())
            _pack_kind(HOST_MEMORY, at + _AT + _VECTOR, box)

    return write


def _handle_writer(numbers: Mapping[type, int]) -> Write:
    cell = ctypes.c_size_t()
    place = ctypes.addressof(cell)

    def write(guest: Guest, at: int, value: Any) -> None:
        guest.given += 1
        guest.held[guest.given] = value
        host = _host_new(True, guest.given, numbers[type(value)])
        failed = _host_to_any(guest.context, host, place)
        assert not failed
        _host_delete(host)
        _pack_quads(HOST_MEMORY, at, _KINDS["own"], cell.value)

    return write
