"""Types and their measures, which are taken as they are put together."""

from __future__ import annotations

import pytest

from runtime.engine.component import value_types
from runtime.engine.component.value_types import PRIMITIVE_TYPES, ResourceType, ValueType

U8, F64, STRING = (PRIMITIVE_TYPES[name] for name in ("u8", "f64", "string"))
OWN = value_types.handle_of("own", ResourceType("a:b/c#r"))
BORROW = value_types.handle_of("borrow", ResourceType(3))
PAIR = value_types.tuple_of([U8, F64])

# type, its data, its parts, its depth, its core values
MEASURES: dict[str, tuple[ValueType, object, int, int, int]] = {
    "number": (U8, "u8", 1, 1, 1),
    "string": (STRING, "string", 1, 1, 2),
    "handle": (OWN, ("own", "a:b/c#r"), 2, 2, 1),
    "tuple": (PAIR, ("tuple", ("u8", "f64")), 3, 2, 2),
    "list": (value_types.list_of(PAIR), ("list", PAIR.type), 4, 3, 2),
    "option": (value_types.option_of(PAIR), ("option", PAIR.type), 4, 3, 3),
    "result": (value_types.result_of(None, PAIR), ("result", None, PAIR.type), 6, 3, 3),
    "empty result": (value_types.result_of(None, None), ("result", None, None), 3, 1, 1),
    "record": (
        value_types.record_of([("a", U8), ("b", PAIR)]),
        ("record", (("a", "u8"), ("b", PAIR.type))),
        7,
        3,
        3,
    ),
    "variant": (
        value_types.variant_of([("a", None), ("b", STRING), ("c", U8)]),
        ("variant", (("a", None), ("b", "string"), ("c", "u8"))),
        6,
        2,
        3,
    ),
    "enum": (value_types.enum_of(["a", "b"]), ("enum", ("a", "b")), 3, 1, 1),
    "flags": (value_types.flags_of(["a", "b", "c"]), ("flags", ("a", "b", "c")), 4, 1, 1),
    "many": (value_types.tuple_of([PAIR] * 30), ("tuple", (PAIR.type,) * 30), 91, 3, 17),
}


@pytest.mark.parametrize(("type_", "data", "nodes", "depth", "flat"), MEASURES.values(), ids=MEASURES)
def test_measures(type_: ValueType, data: object, nodes: int, depth: int, flat: int) -> None:
    assert (type_.type, type_.nodes, type_.depth, type_.flat) == (data, nodes, depth, flat)


def test_what_is_within_is_known_without() -> None:
    deep = value_types.option_of(value_types.tuple_of([U8, value_types.result_of(BORROW, STRING)]))
    assert (deep.pointers, deep.resources, deep.borrows) == (True, True, True)
    assert (PAIR.pointers, PAIR.resources, PAIR.borrows) == (False, False, False)
    assert (OWN.resources, OWN.borrows) == (True, False)
    assert value_types.list_of(U8).pointers


def test_a_function_is_measured_by_its_sides() -> None:
    function = value_types.signature_of([("a", STRING), ("b", PAIR)], OWN)
    assert function.type == ((("a", "string"), ("b", ("tuple", ("u8", "f64")))), ("own", "a:b/c#r"))
    assert (function.flat_params, function.flat_results, function.nodes) == (4, 1, 9)
    assert (function.pointers_in_params, function.pointers_in_result, function.resources) == (True, False, True)
    nothing = value_types.signature_of([], None)
    assert (nothing.type, nothing.flat_params, nothing.flat_results) == (((), None), 0, 0)
