"""Every kind of difference between a component's imports and WASI, and what is said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.engine.component.comparison import MAX_DIFFERENCES, MAX_TEXT, describe, differences
from runtime.engine.component.types import FuncType, InterfaceType

if TYPE_CHECKING:
    from runtime.engine.component.types import Resource, Type

STREAM = "test:host/api#stream"


def one(function: FuncType) -> dict[str, InterfaceType]:
    return {"test:host/api": InterfaceType({"f": function}, {}, {})}


def of_result(theirs: Type | None, known: Type | None) -> str:
    (line,) = differences(one(FuncType((), theirs)), one(FuncType((), known)))
    return line.removeprefix("test:host/api#f: ")


def of_params(theirs: tuple[tuple[str, Type], ...], known: tuple[tuple[str, Type], ...]) -> str:
    (line,) = differences(one(FuncType(theirs, None)), one(FuncType(known, None)))
    return line.removeprefix("test:host/api#f: ")


def test_equal_types_are_equal_in_every_version_and_any_part_of_an_interface() -> None:
    known = InterfaceType(
        {"f": FuncType((("a", "u8"),), None), "g": FuncType((), "u8")}, {"t": "u8", "v": "u16"}, {"stream": STREAM}
    )
    part = InterfaceType({"f": FuncType((("a", "u8"),), None)}, {"t": "u8"}, {"stream": STREAM})
    for name in ("test:host/api", "test:host/api@0.2.0", "test:host/api@0.2.999", "test:host/api@0.2.0-rc-1"):
        assert differences({name: part}, {"test:host/api": known}) == []
    assert differences({}, {"test:host/api": known}) == []


def test_what_is_not_known_is_left_to_the_linker() -> None:
    known = one(FuncType((), None))
    extra = InterfaceType({"more": FuncType((), "f64")}, {"t": "f64"}, {"r": 3})
    assert differences({"test:host/api@0.2.0": extra, "test:other/api": extra, "test:host/api2": extra}, known) == []


RESULTS: list[tuple[Type | None, Type | None, str]] = [
    ("f64", "u64", "result is f64, WASI says u64"),
    ("u64", None, "result is u64, WASI says nothing"),
    (None, "u64", "result is nothing, WASI says u64"),
    (("list", "u8"), "string", "result is list<u8>, WASI says string"),
    (("list", "s8"), ("list", "u8"), "result, element is s8, WASI says u8"),
    (("option", "s8"), ("option", "u8"), "result, value is s8, WASI says u8"),
    (("tuple", ("u8", "s8")), ("tuple", ("u8", "u8")), "result, item 2 is s8, WASI says u8"),
    (("tuple", ("u8",)), ("tuple", ("u8", "u8")), "result is tuple<u8>, WASI says tuple<u8, u8>"),
    (("result", None, "u8"), ("result", None, None), "result, case err is u8, WASI says nothing"),
    (("result", "s8", "u8"), ("result", "u8", "u16"), "result, case ok is s8, WASI says u8"),
    (
        ("result", ("record", (("type", "u8"), ("size", "f64"))), "u8"),
        ("result", ("record", (("type", "u8"), ("size", "u64"))), "u8"),
        "result, case ok, field size is f64, WASI says u64",
    ),
    (
        ("record", (("size", "u64"), ("type", "u8"))),
        ("record", (("type", "u8"), ("size", "u64"))),
        "result, name of field 1 is size, WASI says type",
    ),
    (("record", (("a", "u8"),)), ("record", (("a", "u8"), ("b", "u8"))), "result, number of fields is 1, WASI says 2"),
    (("variant", (("a", "u8"),)), ("variant", (("a", None),)), "result, case a is u8, WASI says nothing"),
    (("variant", (("a", None), ("b", None))), ("variant", (("a", None),)), "result, number of cases is 2, WASI says 1"),
    (("variant", (("b", None),)), ("variant", (("a", None),)), "result, name of case 1 is b, WASI says a"),
    (("enum", ("a", "c")), ("enum", ("a", "b")), "result, name of case 2 is c, WASI says b"),
    (("enum", ("a",)), ("enum", ("a", "b")), "result, number of cases is 1, WASI says 2"),
    (("flags", ("b",)), ("flags", ("a",)), "result, name of flag 1 is b, WASI says a"),
    (("flags", ("a", "b")), ("flags", ("a",)), "result, number of flags is 2, WASI says 1"),
    (("enum", ("a",)), ("flags", ("a",)), "result is an enum, WASI says flags"),
    (("own", STREAM), ("borrow", STREAM), f"result is own<{STREAM}>, WASI says borrow<{STREAM}>"),
    (("own", "test:host/api#other"), ("own", STREAM), f"result is own<test:host/api#other>, WASI says own<{STREAM}>"),
    (("own", 0), ("own", STREAM), f"result is own<a resource of its own>, WASI says own<{STREAM}>"),
]


@pytest.mark.parametrize(("theirs", "known", "message"), RESULTS, ids=[case[2] for case in RESULTS])
def test_a_difference_is_named_with_its_place(theirs: Type | None, known: Type | None, message: str) -> None:
    assert of_result(theirs, known) == message


def test_parameters_are_compared_by_name_and_type() -> None:
    known: tuple[tuple[str, Type], ...] = (("self", ("borrow", STREAM)), ("size", "u64"))
    assert of_params((known[0], ("size", "f64")), known) == "parameter size is f64, WASI says u64"
    assert of_params((known[0], ("length", "u64")), known) == "name of parameter 2 is length, WASI says size"
    assert of_params(known[:1], known) == "number of parameters is 1, WASI says 2"
    assert of_params((("size", ("option", "u8")),), (("size", ("option", "u64")),)) == (
        "parameter size, value is u8, WASI says u64"
    )


def named(types: dict[str, Type], resources: dict[str, Resource]) -> dict[str, InterfaceType]:
    return {"test:host/api": InterfaceType({}, types, resources)}


def test_named_types_and_resources_are_compared() -> None:
    known = named({"size": "u64"}, {"stream": STREAM})
    assert differences(named({"size": "f64"}, {"stream": 0}), known) == [
        f"test:host/api#stream: resource is a resource of its own, WASI says {STREAM}",
        "test:host/api#size: type is f64, WASI says u64",
    ]
    assert differences(named({"stream": "u32"}, {"size": "test:host/api#size"}), known) == [
        "test:host/api#size: type is a resource, WASI says u64",
        "test:host/api#stream: type is u32, WASI says a resource",
    ]


def test_the_list_is_bounded_and_says_how_many_more_there_are() -> None:
    names = [f"f{number}" for number in range(MAX_DIFFERENCES + 2)]
    known = {"test:host/api": InterfaceType(dict.fromkeys(names, FuncType((), "u8")), {}, {})}

    def wrong(count: int) -> list[str]:
        functions = dict.fromkeys(names[:count], FuncType((), "s8"))
        return differences({"test:host/api@0.2.1": InterfaceType(functions, {}, {})}, known)

    assert len(wrong(MAX_DIFFERENCES)) == MAX_DIFFERENCES
    assert wrong(MAX_DIFFERENCES + 1)[MAX_DIFFERENCES:] == ["and 1 more difference"]
    assert wrong(MAX_DIFFERENCES + 2)[MAX_DIFFERENCES:] == ["and 2 more differences"]


def test_what_two_versions_get_wrong_alike_is_said_once() -> None:
    wrong, known = InterfaceType({"f": FuncType((), "s8")}, {}, {}), one(FuncType((), "u8"))
    assert len(differences({"test:host/api@0.2.0": wrong, "test:host/api@0.2.3": wrong}, known)) == 1


def test_a_components_own_names_do_not_make_a_message_long() -> None:
    long = "n" * 100_000
    assert len(of_result(("record", ((long, "u8"),)), ("record", (("a", "u8"),)))) < 2 * MAX_TEXT
    assert len(of_result(("own", f"{long}#{long}"), "u8")) < 2 * MAX_TEXT


def test_a_type_that_stands_for_a_huge_one_costs_nothing() -> None:
    huge: Type = "u8"
    for _ in range(60):  # 2^60 nodes, were it ever walked
        huge = ("tuple", (huge, huge))
    assert of_result(huge, "u8").startswith("result is tuple<tuple<tuple<")
    assert of_result(("list", huge), ("list", ("tuple", ("u8", "u8")))) == (
        f"result, element, item 1 is {describe(huge)}, WASI says u8"
    )
    assert describe(("tuple", ("u8",) * 1000)) == "tuple<u8, u8, u8, u8, ...>"
    assert describe(("list", ("option", ("list", "u8")))) == "list<option<list<u8>>>"
    assert describe(("list", ("option", ("list", ("list", "u8"))))) == "list<option<list<...>>>"
