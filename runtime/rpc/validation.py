"""Decodes params from JSON to a Struct, and reports all their faults at once, by JSON pointers (RFC 6901).

The good case is one typed decode. Only when that fails are the params walked again beside the type's shape, because
msgspec stops at the first fault and names members of mappings and lists only in part.
"""

from __future__ import annotations

import re
import types
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Raw, Struct

from runtime.api.types import Params, under
from runtime.jsonrpc import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR
from runtime.rpc.messages import ProtocolError
from runtime.text import read_anyway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.large_json import Shortened

P = TypeVar("P", bound=Params)

_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")

MAX_FAULTS: Final = 32
"""Faults reported at once: enough for any honest mistake, and an answer that stays short for any other."""


@cache
def _decoder(kind: type[P]) -> msgspec.json.Decoder[P]:
    return msgspec.json.Decoder(kind)


def decode_params(raw: Raw, kind: type[P]) -> P:
    """Decode `raw` as `kind`. Raises ProtocolError: -32602 with `data.errors` [{pointer, message}], or -32700."""
    try:
        params: P = _decoder(kind).decode(raw)
    except msgspec.ValidationError as error:
        raise _params_fault(raw, kind, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(PARSE_ERROR, f"the line is not JSON: {error}") from None
    except RecursionError:
        raise ProtocolError(INVALID_REQUEST, "the message is nested too deeply") from None
    return _checked(params)


async def large_params(raw: Raw, long: Shortened, kind: type[P]) -> P:
    """As `decode_params`, for a line that was shortened; its base64 is decoded in small steps."""
    try:
        value = await long.filled(msgspec.json.decode(raw), unpack=True)
    except (ValueError, RecursionError):
        return decode_params(raw, kind)  # raises the error to report
    try:
        params: P = msgspec.convert(value, kind, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        faults = list(islice(_faults(kind, value, ""), MAX_FAULTS)) if isinstance(value, dict) else []
        raise invalid_params(*(faults or [(_pointer_in(str(error)), _without_path(str(error)))])) from None
    return _checked(params)


def _checked(params: P) -> P:
    """Return `params`, if they pass the checks that no schema can express."""
    faults = list(islice(params.faults(), MAX_FAULTS))
    if faults:
        raise invalid_params(*faults)
    return params


def invalid_params(*faults: tuple[str, str]) -> ProtocolError:
    """Return the error for (pointer, message) pairs."""
    errors = [{"pointer": pointer, "message": message} for pointer, message in faults]
    summary = "; ".join(f"{pointer or 'params'}: {message}" for pointer, message in faults)
    return ProtocolError(INVALID_PARAMS, f"invalid params: {summary}", errors=errors)


def _params_fault(raw: Raw, kind: type[Struct], reason: str) -> ProtocolError:
    try:
        params = msgspec.json.decode(raw)
    except msgspec.ValidationError as error:  # of JSON without a type: a number that no double or integer holds
        if _without_path(reason) == _without_path(str(error)):
            return invalid_params((_pointer_in(reason), _without_path(reason)))
        params = read_anyway(bytes(raw))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return ProtocolError(PARSE_ERROR, f"the line is not JSON: {error}")
    except RecursionError:
        return ProtocolError(INVALID_REQUEST, "the message is nested too deeply")
    if not isinstance(params, dict):
        return invalid_params(("", "params go by name: an object is expected"))
    faults = list(islice(_faults(kind, params, ""), MAX_FAULTS))
    return invalid_params(*(faults or [("", reason)]))


def _faults(kind: Any, value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield (pointer, message) for each part of `value` that does not fit `kind`."""
    origin = get_origin(kind)
    if origin is Annotated:
        kind, origin = get_args(kind)[0], get_origin(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        branch = _branch(get_args(kind), value)
        if branch is not None:
            yield from _faults(branch, value, pointer)
    elif isinstance(kind, type) and issubclass(kind, Struct) and isinstance(value, dict):
        yield from _struct_faults(kind, value, pointer)
    elif origin is list and isinstance(value, list):
        (item_kind,) = get_args(kind)
        for index, item in enumerate(value):
            yield from _member_faults(item_kind, item, f"{pointer}/{index}")
    elif origin is dict and isinstance(value, dict):
        key_kind, value_kind = get_args(kind)
        for key, item in value.items():
            yield from _member_faults(key_kind, key, under(pointer, key))
            yield from _member_faults(value_kind, item, under(pointer, key))


def _struct_faults(kind: type[Struct], value: dict[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, item in value.items():
        field = fields.get(name)
        if field is None:
            yield under(pointer, name), "unknown member"
        else:
            yield from _member_faults(field.type, item, under(pointer, name))
    for name, field in fields.items():
        if field.required and name not in value:
            yield under(pointer, name), "missing"


def _member_faults(kind: Any, value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    try:
        msgspec.convert(value, kind, builtin_types=(bytes,) if isinstance(value, bytes) else None)
    except msgspec.ValidationError as error:
        inner = list(islice(_faults(kind, value, pointer), MAX_FAULTS))
        yield from inner or [(pointer, _without_path(str(error)))]


def _branch(options: tuple[Any, ...], value: Any) -> Any:
    """Return the one member of a union that a list or an object can stand for, None for other values."""
    for option in options:
        bare = get_args(option)[0] if get_origin(option) is Annotated else option
        if isinstance(value, list) and get_origin(bare) is list:
            return bare
        if isinstance(value, dict) and (
            get_origin(bare) is dict or (isinstance(bare, type) and issubclass(bare, Struct))
        ):
            return bare
    return None


def _pointer_in(message: str) -> str:
    """Return the pointer of what msgspec names as in "- at `$.limits.fuel`", up to a member of a mapping, which it does not."""
    path = message.partition(" - at `$")[2].partition("[...]")[0]
    return "".join(f"/{name or index}" for name, index in _STEP.findall(path))


def _without_path(message: str) -> str:
    return message.partition(" - at ")[0]
