"""wasmtime's C API as this package uses it: the only module that touches `wasmtime._ffi`.

Two views of one library. `PyDLL` functions keep the GIL: they are short (tens of nanoseconds to a few microseconds), and
dropping the GIL around each would hand it to a busy worker thread. `CDLL` functions drop it: polling a guest, instantiating,
compiling and freeing a store take as long as they take. Pointers are plain integers throughout, which makes a host call
several times cheaper than ctypes' typed pointers do.

A component value (`wasmtime_component_val_t`) is 32 bytes: its kind in the first, its payload from the eighth on. The
payloads are listed beside `VALUE`.
"""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, c_bool, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from wasmtime import _ffi as ffi

if TYPE_CHECKING:
    from wasmtime import Config

VALUE_SIZE: Final = ctypes.sizeof(ffi.wasmtime_component_val_t)
PAYLOAD: Final = int(ffi.wasmtime_component_val_t.of.offset)
RECORD_ENTRY_SIZE: Final = ctypes.sizeof(ffi.wasmtime_component_valrecord_entry_t)
FLAG_SIZE: Final = ctypes.sizeof(ffi.wasm_name_t)
INSTANCE_SIZE: Final = ctypes.sizeof(ffi.wasmtime_component_instance_t)
FUNC_SIZE: Final = ctypes.sizeof(ffi.wasmtime_component_func_t)

# Payload words (a, b, c): scalars a; string, enum, list, record, tuple, flags (size, pointer); option (pointer);
# variant (name size, name pointer, payload pointer); result (is_ok in the low byte, payload pointer); resource (pointer).
VALUE: Final = Struct("<B7x3Q")
VALUE_WORDS: Final = Struct("<8x3Q")
RECORD_WORDS: Final = Struct("<24x3Q")
NAME_WORDS: Final = Struct("<2Q")

BOOL: Final[int] = ffi.WASMTIME_COMPONENT_BOOL.value
S8: Final[int] = ffi.WASMTIME_COMPONENT_S8.value
U8: Final[int] = ffi.WASMTIME_COMPONENT_U8.value
S16: Final[int] = ffi.WASMTIME_COMPONENT_S16.value
U16: Final[int] = ffi.WASMTIME_COMPONENT_U16.value
S32: Final[int] = ffi.WASMTIME_COMPONENT_S32.value
U32: Final[int] = ffi.WASMTIME_COMPONENT_U32.value
S64: Final[int] = ffi.WASMTIME_COMPONENT_S64.value
U64: Final[int] = ffi.WASMTIME_COMPONENT_U64.value
F32: Final[int] = ffi.WASMTIME_COMPONENT_F32.value
F64: Final[int] = ffi.WASMTIME_COMPONENT_F64.value
CHAR: Final[int] = ffi.WASMTIME_COMPONENT_CHAR.value
STRING: Final[int] = ffi.WASMTIME_COMPONENT_STRING.value
LIST: Final[int] = ffi.WASMTIME_COMPONENT_LIST.value
RECORD: Final[int] = ffi.WASMTIME_COMPONENT_RECORD.value
TUPLE: Final[int] = ffi.WASMTIME_COMPONENT_TUPLE.value
VARIANT: Final[int] = ffi.WASMTIME_COMPONENT_VARIANT.value
ENUM: Final[int] = ffi.WASMTIME_COMPONENT_ENUM.value
OPTION: Final[int] = ffi.WASMTIME_COMPONENT_OPTION.value
RESULT: Final[int] = ffi.WASMTIME_COMPONENT_RESULT.value
FLAGS: Final[int] = ffi.WASMTIME_COMPONENT_FLAGS.value
RESOURCE: Final[int] = ffi.WASMTIME_COMPONENT_RESOURCE.value

# Arguments as integers: (data, context, type, args, nargs, results, nresults, error, continuation).
HOST_FUNCTION = CFUNCTYPE(None, *[c_size_t] * 9)
INSTANT_FUNCTION = CFUNCTYPE(c_size_t, *[c_size_t] * 7)  # the same without the last two; returns an error or 0
CONTINUATION = CFUNCTYPE(c_bool, c_size_t)
DESTRUCTOR = CFUNCTYPE(c_size_t, c_size_t, c_size_t, c_uint32)

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


value_new = _short("wasmtime_component_val_new", c_void_p, c_void_p)
value_clone = _short("wasmtime_component_val_clone", None, c_void_p, c_void_p)
value_delete = _short("wasmtime_component_val_delete", None, c_void_p)
name_new = _short("wasm_byte_vec_new", None, c_void_p, c_size_t, c_void_p)
list_new = _short("wasmtime_component_vallist_new_uninit", None, c_void_p, c_size_t)
record_new = _short("wasmtime_component_valrecord_new_uninit", None, c_void_p, c_size_t)
tuple_new = _short("wasmtime_component_valtuple_new_uninit", None, c_void_p, c_size_t)
flags_new = _short("wasmtime_component_valflags_new_uninit", None, c_void_p, c_size_t)

host_new = _short("wasmtime_component_resource_host_new", c_void_p, c_bool, c_uint32, c_uint32)
host_rep = _short("wasmtime_component_resource_host_rep", c_uint32, c_void_p)
host_owned = _short("wasmtime_component_resource_host_owned", c_bool, c_void_p)
host_delete = _short("wasmtime_component_resource_host_delete", None, c_void_p)
_any_to_host = _short("wasmtime_component_resource_any_to_host", c_void_p, c_void_p, c_void_p, c_void_p)
_host_to_any = _short("wasmtime_component_resource_host_to_any", c_void_p, c_void_p, c_void_p, c_void_p)

error_new = _short("wasmtime_error_new", c_void_p, ctypes.c_char_p)
_error_message = _short("wasmtime_error_message", None, c_void_p, c_void_p)
_error_delete = _short("wasmtime_error_delete", None, c_void_p)
_byte_vec_delete = _short("wasm_byte_vec_delete", None, c_void_p)

store_new = _long("wasmtime_store_new", c_void_p, c_void_p, c_void_p, c_void_p)
store_context = _short("wasmtime_store_context", c_void_p, c_void_p)
store_delete = _long("wasmtime_store_delete", None, c_void_p)
store_limiter = _short("wasmtime_store_limiter", None, c_void_p, c_int64, c_int64, c_int64, c_int64, c_int64)
set_fuel = _short("wasmtime_context_set_fuel", c_void_p, c_void_p, c_uint64)
_get_fuel = _short("wasmtime_context_get_fuel", c_void_p, c_void_p, c_void_p)
set_yield_interval = _short("wasmtime_context_fuel_async_yield_interval", c_void_p, c_void_p, c_uint64)

instantiate = _long(
    "wasmtime_component_linker_instantiate_async", c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p
)
export_index_delete = _short("wasmtime_component_export_index_delete", None, c_void_p)
instance_get_func = _short("wasmtime_component_instance_get_func", c_bool, c_void_p, c_void_p, c_void_p, c_void_p)
export_index = _short("wasmtime_component_get_export_index", c_void_p, c_void_p, c_void_p, c_void_p, c_size_t)
call = _short(
    "wasmtime_component_func_call_async",
    c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p,
)  # fmt: skip
future_poll = _long("wasmtime_call_future_poll", c_bool, c_void_p)
future_delete = _long("wasmtime_call_future_delete", None, c_void_p)

_add_func = _short(
    "wasmtime_component_linker_instance_add_func",
    c_void_p, c_void_p, c_void_p, c_size_t, INSTANT_FUNCTION, c_size_t, c_void_p,
)  # fmt: skip
_add_func_async = _short(
    "wasmtime_component_linker_instance_add_func_async",
    c_void_p, c_void_p, c_void_p, c_size_t, HOST_FUNCTION, c_size_t, c_void_p,
)  # fmt: skip
_add_resource = _short(
    "wasmtime_component_linker_instance_add_resource",
    c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, DESTRUCTOR, c_size_t, c_void_p,
)  # fmt: skip


def pointer(managed: Any) -> int:
    """The address behind one of wasmtime-py's managed objects (Engine, Component, Linker, LinkerInstance, ResourceType)."""
    address = ctypes.cast(managed.ptr(), c_void_p).value
    assert address is not None
    return address


def switch(config: Config, name: str, *, on: bool) -> None:
    """Set one of the configuration's booleans, by its name in `wasmtime_config_NAME_set`; the package wraps only some."""
    _short(f"wasmtime_config_{name}_set", None, c_void_p, c_bool)(pointer(config), on)


def set_async_stack_size(config: Config, size: int) -> None:
    """The size in bytes of each guest's fiber stack (virtual: pages are touched as the guest needs them)."""
    ffi.wasmtime_config_async_stack_size_set(config.ptr(), size)


def take_error(error: int | None) -> str | None:
    """The message of a `wasmtime_error_t*`, which is freed; None for a null pointer."""
    if not error:
        return None
    vector = ffi.wasm_byte_vec_t()
    _error_message(error, ctypes.addressof(vector))
    text = ctypes.string_at(vector.data, vector.size).decode("utf-8", "replace")
    _byte_vec_delete(ctypes.addressof(vector))
    _error_delete(error)
    return text


def add_function(linker_instance: Any, name: str, callback: Any, data: int) -> None:
    """Define a host function; `data` comes back as the callback's first argument.

    A HOST_FUNCTION may suspend its guest, an INSTANT_FUNCTION may not, and costs less.
    """
    raw = name.encode()
    buffer = ctypes.create_string_buffer(raw)
    add = _add_func if isinstance(callback, INSTANT_FUNCTION) else _add_func_async
    error = add(pointer(linker_instance), ctypes.addressof(buffer), len(raw), callback, data, None)
    if message := take_error(error):
        raise RuntimeError(message)


def add_resource(linker_instance: Any, name: str, resource_type: Any, destructor: Any) -> None:
    """Define a host resource type; the destructor gets (data, context, rep) and returns an error pointer or 0."""
    raw = name.encode()
    buffer = ctypes.create_string_buffer(raw)
    error = _add_resource(
        pointer(linker_instance), ctypes.addressof(buffer), len(raw), pointer(resource_type), destructor, 0, None
    )
    if message := take_error(error):
        raise RuntimeError(message)


def resource_rep(context: int, resource: int) -> tuple[int, bool]:
    """(rep, owned) of a resource argument. The handle is consumed: an owned one is no longer the guest's."""
    cell = c_void_p()
    if message := take_error(_any_to_host(context, resource, ctypes.addressof(cell))):
        raise RuntimeError(message)
    host = cell.value
    rep, owned = host_rep(host), host_owned(host)
    host_delete(host)
    return rep, owned


def resource_any(context: int, rep: int, type_id: int) -> int:
    """A `wasmtime_component_resource_any_t*` that owns `rep`, to be placed in a result."""
    host = host_new(True, rep, type_id)
    cell = c_void_p()
    error = _host_to_any(context, host, ctypes.addressof(cell))
    host_delete(host)
    if message := take_error(error):
        raise RuntimeError(message)
    assert cell.value is not None
    return cell.value


def get_fuel(context: int) -> int:
    """Fuel left in a store."""
    cell = c_uint64()
    if message := take_error(_get_fuel(context, ctypes.addressof(cell))):
        raise RuntimeError(message)
    return cell.value
