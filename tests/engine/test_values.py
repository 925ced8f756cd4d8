"""Every WIT type: a Python value lowered into memory and lifted again is the same."""

from __future__ import annotations

import ctypes
import struct
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wasmtime import Engine, wat2wasm
from wasmtime.component import Component, ComponentInstanceType, FuncType, ValType

from runtime.engine import Err, Ok, native, values

if TYPE_CHECKING:
    from runtime.engine.interface import Resource


def wit_type(definition: str) -> ValType:
    """The type of a parameter that is declared so in a component's text."""
    return named_type(f"(type $t {definition})", "$t")


def named_type(definitions: str, name: str) -> ValType:
    """The type of that name, declared among others."""
    engine = Engine()
    text = f"""(component (import "t:t/t" (instance
        {definitions} (export "type" (type $e (eq {name}))) (export "f" (func (param "x" $e))))))"""
    component = Component(engine, bytes(wat2wasm(text)))
    instance = component.type.imports(engine)["t:t/t"].ty
    assert isinstance(instance, ComponentInstanceType)
    function = instance.exports(engine)["f"].ty
    assert isinstance(function, FuncType)
    return function.params[0][1]


class NoResources:
    context = 0

    def take_resource(self, rep: int, *, owned: bool) -> Resource:
        raise NotImplementedError

    def add_resource(self, resource: Resource) -> tuple[int, int]:
        raise NotImplementedError


def there_and_back(value_type: ValType, value: Any, converters: tuple[values.Lift, values.Lower] | None = None) -> Any:
    lift, lower = converters or values.compile_type(value_type)
    buffer = ctypes.create_string_buffer(native.VALUE_SIZE)
    address = ctypes.addressof(buffer)
    lower(NoResources(), value, address)
    try:
        return lift(NoResources(), *native.VALUE_WORDS.unpack(buffer.raw))
    finally:
        native.value_delete(address)


CASES = [
    ("bool", [True, False]),
    ("u8", [0, 255]),
    ("s8", [-128, 0, 127]),
    ("u16", [0, 65535]),
    ("s16", [-32768, 32767]),
    ("u32", [0, 2**32 - 1]),
    ("s32", [-(2**31), -1, 2**31 - 1]),
    ("u64", [0, 2**64 - 1]),
    ("s64", [-(2**63), -1, 2**63 - 1]),
    ("f32", [0.0, -1.5]),
    ("f64", [0.1, -1e300]),
    ("char", ["a", "\U0001f600"]),
    ("string", ["", "text", "\0 ünïcode \U0001f600"]),
    ("(list u8)", [b"", b"\0\xff", bytes(range(256)) * 300]),
    ("(list string)", [[], ["a", "", "b"]]),
    ("(list (list u8))", [[b"a", b""]]),
    ("(tuple string u32)", [("x", 1)]),
    ('(record (field "a" string) (field "b" (option u64)))', [("x", None), ("y", 2)]),
    ('(variant (case "none") (case "some" string))', [("none", None), ("some", "x")]),
    ('(enum "red" "green")', ["red", "green"]),
    ('(flags "read" "write" "sync")', [frozenset(), frozenset({"read", "sync"})]),
    ("(option string)", [None, "", "x"]),
    ("(option (list u8))", [None, b"", b"x"]),
    ("(result u32 (error string))", [Ok(1), Err("no")]),
    ("(result)", [Ok(), Err()]),
    ("(option (result string))", [None, Ok("x"), Err()]),
]


@pytest.mark.parametrize(("definition", "examples"), CASES, ids=[case[0] for case in CASES])
def test_there_and_back(definition: str, examples: list[Any]) -> None:
    value_type = wit_type(definition)
    for value in examples:
        assert there_and_back(value_type, value) == value


def test_a_bare_case_name_lowers_as_a_variant_without_payload() -> None:
    assert there_and_back(wit_type('(variant (case "none") (case "some" string))'), "none") == ("none", None)


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        ("u8", 256),
        ("u32", -1),
        ("s8", 128),
        ('(enum "a")', "b"),
        ("(tuple u8 u8)", (1,)),
        ("(list string)", 5),
        ("(list string)", ["a", "\ud800"]),
        ("string", 5),
    ],
)
def test_values_that_do_not_fit_are_refused(definition: str, value: Any) -> None:
    lower = values.compile_type(wit_type(definition))[1]
    buffer = ctypes.create_string_buffer(b"\0" + b"\xab" * 31, native.VALUE_SIZE)  # a bool, the rest undefined
    with pytest.raises((ValueError, KeyError, AttributeError, TypeError, struct.error)):
        lower(NoResources(), value, ctypes.addressof(buffer))
    native.value_delete(ctypes.addressof(buffer))  # as wasmtime does: what was written must be whole


STAT = """
    (type $kind (enum "file" "directory")) (export "kind" (type $k (eq $kind)))
    (type $time (record (field "seconds" u64) (field "nanoseconds" u32))) (export "time" (type $t (eq $time)))
    (type $stat (record (field "kind" $k) (field "size" u64) (field "a" (option $t)) (field "m" (option $t))
      (field "shift" s16)))"""


@pytest.mark.parametrize("first", [True, False], ids=["first of its shape", "cloned"])
def test_records_of_numbers_there_and_back(first: bool) -> None:
    """They are lowered by cloning one of the same shape: every shape, with numbers at their limits."""
    value_type = named_type(STAT, "$stat")
    values_ = [
        ("file", 0, None, None, -1),
        ("directory", 2**64 - 1, (1, 2), None, 32767),
        ("directory", 5, (2**64 - 1, 2**32 - 1), None, -32768),
        ("file", 7, (0, 0), (3, 4), 0),
    ]
    converters = values.compile_type(value_type)
    for value in values_ if first else [*values_, *reversed(values_)]:
        assert there_and_back(value_type, value, converters) == value


def test_a_number_that_does_not_fit_leaves_the_kept_record_usable() -> None:
    value_type = named_type(STAT, "$stat")
    converters = values.compile_type(value_type)
    for size in (1, 2**64, 2):
        value = ("file", size, None, None, 0)
        if size == 2**64:
            with pytest.raises(struct.error):
                there_and_back(value_type, value, converters)
        else:
            assert there_and_back(value_type, value, converters) == value


@pytest.fixture(scope="module")
def nested() -> ValType:
    return wit_type("(list (tuple string (list u8)))")


@given(value=st.lists(st.tuples(st.text(), st.binary(max_size=2000)), max_size=20))
def test_any_nested_list(nested: ValType, value: list[tuple[str, bytes]]) -> None:
    assert there_and_back(nested, value) == value
