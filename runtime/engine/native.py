"""wasmtime's C API as this package uses it: the only module that touches `wasmtime._ffi`.

Two views of one library. `PyDLL` functions keep the GIL: they are short (tens of nanoseconds to a few microseconds), and
dropping the GIL around each would hand it to a busy worker thread. `CDLL` functions drop it: polling a guest, instantiating,
compiling and freeing a store take as long as they take. Pointers are plain integers throughout, which makes a host call
several times cheaper than ctypes' typed pointers do.
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, c_bool, c_int64, c_size_t, c_ssize_t, c_uint64, c_void_p
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

import wasmtime
from wasmtime import _ffi as ffi

if TYPE_CHECKING:
    from wasmtime import Config

EXTERN_SIZE: Final = ctypes.sizeof(ffi.wasmtime_extern_t)
INSTANCE_SIZE: Final = ctypes.sizeof(ffi.wasmtime_instance_t)
FUNC_OFFSET: Final = int(ffi.wasmtime_extern_t.of.offset)
"""Where an extern has what it is: a function, memory, table or global."""
I32: Final = bytes([ffi.WASMTIME_I32.value])
"""The kind of a `wasmtime_val_t`, which is its first byte."""
FUNCREF: Final = bytes([ffi.WASMTIME_FUNCREF.value])
VALUE_SIZE: Final = ctypes.sizeof(ffi.wasmtime_val_t)
VALUE_OFFSET: Final = int(ffi.wasmtime_val_t.of.offset)

_EXTERN: Final = ctypes.c_char * EXTERN_SIZE

UNCHECKED_FUNCTION = CFUNCTYPE(c_size_t, c_size_t, c_size_t, c_size_t, c_size_t)
"""Arguments as integers: (env, caller, raw values, count); returns a trap or 0. Cannot suspend the guest."""

ASYNC_FUNCTION = CFUNCTYPE(None, *[c_size_t] * 8)
"""(env, caller, args, nargs, results, nresults, trap, continuation). Suspends it."""

CONTINUATION = CFUNCTYPE(c_bool, c_size_t)
CONTINUATION_SIZE: Final = 24

_library: Final[str] = ffi.dll._name  # noqa: SLF001 - ctypes has no public name for it
_keeps_gil: Final = ctypes.PyDLL(_library)
_drops_gil: Final = ctypes.CDLL(_library)


def _short(name: str, result: Any, *arguments: Any) -> Any:
    function = _keeps_gil[name]
    function.restype, function.argtypes = result, arguments
    return function


def _long(name: str, result: Any, *arguments: Any) -> Any:
    function = _drops_gil[name]
    function.restype, function.argtypes = result, arguments
    return function


_error_message = _short("wasmtime_error_message", None, c_void_p, c_void_p)
_error_delete = _short("wasmtime_error_delete", None, c_void_p)
_trap_new = _short("wasmtime_trap_new", c_void_p, c_void_p, c_size_t)
_trap_message = _short("wasm_trap_message", None, c_void_p, c_void_p)
_trap_delete = _short("wasm_trap_delete", None, c_void_p)
_byte_vec_delete = _short("wasm_byte_vec_delete", None, c_void_p)

store_new = _long("wasmtime_store_new", c_void_p, c_void_p, c_void_p, c_void_p)
store_context = _short("wasmtime_store_context", c_void_p, c_void_p)
store_delete = _long("wasmtime_store_delete", None, c_void_p)
store_limiter = _short("wasmtime_store_limiter", None, c_void_p, c_int64, c_int64, c_int64, c_int64, c_int64)
set_fuel = _short("wasmtime_context_set_fuel", c_void_p, c_void_p, c_uint64)
_get_fuel = _short("wasmtime_context_get_fuel", c_void_p, c_void_p, c_void_p)
set_yield_interval = _short("wasmtime_context_fuel_async_yield_interval", c_void_p, c_void_p, c_uint64)

_linker_new = _short("wasmtime_linker_new", c_void_p, c_void_p)
_allow_shadowing = _short("wasmtime_linker_allow_shadowing", None, c_void_p, c_bool)
linker_clone = _short("wasmtime_linker_clone", c_void_p, c_void_p)
linker_delete = _short("wasmtime_linker_delete", None, c_void_p)
define_instance = _short("wasmtime_linker_define_instance", c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p)
instantiate_async = _short(  # it begins when it is polled
    "wasmtime_linker_instantiate_async", c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p
)
export_get = _short("wasmtime_instance_export_get", c_bool, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p)
_memory_data = _short("wasmtime_memory_data", c_void_p, c_void_p, c_void_p)
_memory_grow = _short("wasmtime_memory_grow", c_void_p, c_void_p, c_void_p, c_uint64, c_void_p)
_memory_size = _short("wasmtime_memory_data_size", c_size_t, c_void_p, c_void_p)
_table_set = _short("wasmtime_table_set", c_void_p, c_void_p, c_void_p, c_uint64, c_void_p)
_linker_get = _short(
    "wasmtime_linker_get", c_bool, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p
)
call_async = _short(
    "wasmtime_func_call_async",
    c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_void_p,
)  # fmt: skip
future_poll = _long("wasmtime_call_future_poll", c_bool, c_void_p)
future_delete = _long("wasmtime_call_future_delete", None, c_void_p)

_define_unchecked = _short(
    "wasmtime_linker_define_func_unchecked",
    c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, UNCHECKED_FUNCTION, c_size_t, c_void_p,
)  # fmt: skip
_define_async = _short(
    "wasmtime_linker_define_async_func",
    c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, ASYNC_FUNCTION, c_size_t, c_void_p,
)  # fmt: skip

_view_of: Final = ctypes.pythonapi.PyMemoryView_FromMemory
_view_of.restype, _view_of.argtypes = ctypes.py_object, [c_void_p, c_ssize_t, ctypes.c_int]

_WRITABLE: Final = 0x200
"""PyBUF_WRITE."""

HOST_MEMORY: Final = memoryview((ctypes.c_ubyte * 2**47).from_address(0)).cast("B")
"""This process's own memory, to read and write raw values at the addresses that wasmtime gives: a tenth of what ctypes takes.

Never to be used with a number that a guest has given: those are offsets into a `Memory`'s view.
"""

_WORD: Final = Struct("<I")
_QUAD: Final = Struct("<Q")

_VALUE_TYPES: Final = {
    "i32": wasmtime.ValType.i32,
    "i64": wasmtime.ValType.i64,
    "f32": wasmtime.ValType.f32,
    "f64": wasmtime.ValType.f64,
}


def get_word(address: int) -> int:
    """The i32 that a raw value is, unsigned."""
    word: int = _WORD.unpack_from(HOST_MEMORY, address)[0]
    return word


def put_quad(address: int, number: int) -> None:
    """Make a raw value this i64, or this i32."""
    _QUAD.pack_into(HOST_MEMORY, address, number)


def pointer(managed: Any) -> int:
    """The address behind one of wasmtime-py's managed objects (Engine, Config, Module, FuncType)."""
    address = ctypes.cast(managed.ptr(), c_void_p).value
    assert address is not None
    return address


def switch(config: Config, name: str, *, on: bool) -> None:
    """Set one of the configuration's booleans, by its name in `wasmtime_config_NAME_set`; the package wraps only some."""
    _short(f"wasmtime_config_{name}_set", None, c_void_p, c_bool)(pointer(config), on)


def set_async_stack_size(config: Config, size: int) -> None:
    """The size in bytes of each guest's fiber stack (virtual: pages are touched as the guest needs them)."""
    ffi.wasmtime_config_async_stack_size_set(config.ptr(), size)


def _text(get: Any, source: int) -> str:
    vector = ffi.wasm_byte_vec_t()
    get(source, ctypes.addressof(vector))
    text = ctypes.string_at(vector.data, vector.size).decode("utf-8", "replace").rstrip("\0")
    _byte_vec_delete(ctypes.addressof(vector))
    return text


def take_error(error: int | None) -> str | None:
    """The message of a `wasmtime_error_t*`, which is freed; None for a null pointer."""
    if not error:
        return None
    text = _text(_error_message, error)
    _error_delete(error)
    return text


def take_trap(trap: int | None) -> str | None:
    """The same of a `wasm_trap_t*`."""
    if not trap:
        return None
    text = _text(_trap_message, trap)
    _trap_delete(trap)
    return text


def discard(error: int | None, trap: int | None) -> None:
    """Free what nobody is told of."""
    if error:
        _error_delete(error)
    if trap:
        _trap_delete(trap)


def new_trap() -> int:
    """A trap for a host function to return. Its text is never shown: the guest's own end has been noted already."""
    trap: int = _trap_new(b"host", 4)
    return trap


def linker(engine: wasmtime.Engine) -> int:
    """A new linker, to be freed with `linker_delete`."""
    made: int = _linker_new(pointer(engine))
    _allow_shadowing(made, True)  # an instance takes the place of another store's
    return made


def function_type(params: tuple[str, ...], results: tuple[str, ...]) -> wasmtime.FuncType:
    """A core type. It belongs to the engine for which it is used first: with another, wasmtime aborts."""
    return wasmtime.FuncType([_VALUE_TYPES[p]() for p in params], [_VALUE_TYPES[r]() for r in results])


def define(
    linker_address: int,
    module: str,
    field: str,
    functype: wasmtime.FuncType,
    callback: Any,
    env: int = 0,
) -> None:
    """Define a host function of this core type; `env` comes back as the callback's first argument.

    The callback is an UNCHECKED_FUNCTION or an ASYNC_FUNCTION, and must live as long as the linker and its clones.
    """
    names = module.encode(), field.encode()
    add = _define_async if isinstance(callback, ASYNC_FUNCTION) else _define_unchecked
    error = add(
        linker_address,
        names[0], len(names[0]), names[1], len(names[1]),
        pointer(functype), callback, env, None,
    )  # fmt: skip
    if message := take_error(error):
        raise RuntimeError(message)


def i32_value(number: int) -> bytes:
    """A `wasmtime_val_t` of an i32."""
    return (I32 + bytes(VALUE_OFFSET - 1) + number.to_bytes(4, "little")).ljust(VALUE_SIZE, b"\0")


def get_fuel(context: int) -> int:
    """Fuel left in a store."""
    cell = c_uint64()
    if message := take_error(_get_fuel(context, ctypes.addressof(cell))):
        raise RuntimeError(message)
    return cell.value


class Memory:
    """A guest's linear memory, by its extern; the store must be alive."""

    __slots__ = ("_address", "_context", "_data", "_extern")

    def __init__(self, context: int, extern: Any) -> None:
        self._context = context
        self._extern = extern
        self._address = ctypes.addressof(extern) + FUNC_OFFSET
        self._data = _memory_data(context, self._address)  # it never moves (`memory_may_move` is off)

    def size(self) -> int:
        """In bytes, now."""
        size: int = _memory_size(self._context, self._address)
        return size

    @property
    def address(self) -> int:
        """Where it is in this process."""
        return int(self._data)

    def grow_to(self, size: int) -> bool:
        """Have at least this many bytes; whether that is so."""
        missing = size - self.size()
        if missing <= 0:
            return True
        before = c_uint64()
        return (
            take_error(_memory_grow(self._context, self._address, -(-missing // 65536), ctypes.addressof(before)))
            is None
        )

    def view(self) -> memoryview:
        """All of it, writable: exactly the bytes that are committed now."""
        size = self.size()
        return _view_of(self._data, size, _WRITABLE) if size else memoryview(b"")


class ElementSetter:
    """Puts functions into a guest's table. A guest has a dozen or two of them, so without objects of ctypes for each."""

    def __init__(self, context: int, table: Any) -> None:
        self._context = context
        self._table = table
        self._address = ctypes.addressof(table) + FUNC_OFFSET
        # An extern and a value are laid out alike: what is found becomes what is set.
        assert (FUNC_OFFSET, EXTERN_SIZE) == (VALUE_OFFSET, VALUE_SIZE)
        self._scratch = _EXTERN()
        self._found = ctypes.addressof(self._scratch)

    def from_instance(self, index: int, instance: int, name: bytes) -> None:
        """Set an element to what the instance at an address exports, if it does."""
        if export_get(self._context, instance, name, len(name), self._found):
            self._set(index)

    def from_linker(self, index: int, linker_address: int, module: bytes, name: bytes) -> None:
        """Set an element to what a linker has."""
        if _linker_get(linker_address, self._context, module, len(module), name, len(name), self._found):
            self._set(index)

    def _set(self, index: int) -> None:
        self._scratch[0] = FUNCREF
        if error := _table_set(self._context, self._address, index, self._found):
            take_error(error)  # a table that is too small: calling the element traps


def room(size: int) -> Any:
    """So many bytes to write to, zeros."""
    return (ctypes.c_char * size)()


def export(context: int, instance: int, name: bytes) -> Any:
    """The extern of that name of the instance at an address, to be kept as long as it is used; None where there is none."""
    extern = _EXTERN()
    found = export_get(context, instance, name, len(name), ctypes.addressof(extern))
    return extern if found else None
