"""How large, how deep and how laborious a component may be; none of what is beyond is walked to find out."""

from __future__ import annotations

import pytest

from runtime.engine.component import canonical, parse, parser, reader, world
from runtime.engine.component.core_module import leb128
from runtime.engine.component.scope import MAX_DEPTH
from runtime.engine.component.types import MAX_TYPE_DEPTH, MAX_TYPE_NODES
from runtime.engine.errors import UnsupportedComponentError
from tests.engine.component.samples import HEAD, component, name, part, section, vector

U8, FUNC = b"\x7d", b"\x40\x00\x01\x00"
EMPTY_MODULE = b"\0asm\x01\0\0\0"


def nested(depth: int, innermost: bytes = HEAD) -> bytes:
    """Components in components, each instantiated in the one around it."""
    for _ in range(depth):
        innermost = HEAD + part(4, innermost) + section(5, b"\x00\x00\x00")
    return innermost


def instance_types(depth: int, copies: int) -> bytes:
    """Each instance type has the one before as an export so many times, and the last one is imported."""
    items = [b"\x42\x00"]
    for before in range(depth):
        exports = [b"\x04\x00" + name(f"x{i}") + b"\x05\x00" for i in range(copies)]
        items.append(b"\x42" + vector([b"\x02\x03\x02\x01" + leb128(before), *exports]))
    return HEAD + section(7, *items) + section(10, b"\x00\x01a\x05" + leb128(depth))


def doubled(depth: int) -> bytes:
    """A tuple of two tuples of two tuples ... of two bytes."""
    tuples = [b"\x6f\x02" + leb128(i) * 2 for i in range(depth)]
    return HEAD + section(7, U8, *tuples)


def lists(depth: int) -> bytes:
    return HEAD + section(7, U8, *[b"\x70" + leb128(i) for i in range(depth - 1)])


def twice_instantiated(depth: int) -> bytes:
    """Each component instantiates the one before twice."""
    content = HEAD
    for _ in range(depth):
        content = HEAD + part(4, content) + section(5, b"\x00\x00\x00", b"\x00\x00\x00")
    return content


def lowers(count: int) -> bytes:
    text = '(import "a:b/c" (instance $i (export "f" (func)))) (alias export $i "f" (func))'
    return component(text) + section(8, *[b"\x01\x00\x00\x00"] * count)


def steps(count: int) -> bytes:
    return HEAD + part(1, EMPTY_MODULE) + section(2, *[b"\x00\x00\x00"] * count)


def record(fields: int) -> bytes:
    return HEAD + section(7, b"\x72" + vector(name(f"f{i}") + U8 for i in range(fields)))


def parameters(count: int) -> bytes:
    return HEAD + section(7, b"\x40" + vector(name(f"p{i}") + U8 for i in range(count)) + b"\x01\x00")


WITHIN = {
    "depth of components": nested(MAX_DEPTH),
    "nodes of a type": record((MAX_TYPE_NODES - 1) // 2),
    "parameters": parameters((MAX_TYPE_NODES - 1) // 2),
    "depth of a type": lists(MAX_TYPE_DEPTH),
    "doubled types": doubled(11),
    "core modules": HEAD + part(1, EMPTY_MODULE) * parser.MAX_MODULES,
    "steps": steps(parser.MAX_STEPS),
    "instances": HEAD + part(4, HEAD) + section(5, *[b"\x00\x00\x00"] * (parser.MAX_INSTANCES - 1)),
    "resources": HEAD + section(7, *[b"\x3f\x7f\x00"] * parser.MAX_RESOURCES),
    "lowers": lowers(canonical.MAX_LOWERS),
}
BEYOND = {
    "depth of components": (nested(MAX_DEPTH + 1), "it is nested more than 16 deep"),
    "components that are very deep": (nested(2000), "it is nested more than 16 deep"),
    "depth of instance types": (instance_types(MAX_DEPTH, 1), "it is nested more than 16 deep"),
    "instance types in instance types": (
        HEAD + section(7, b"\x42\x01\x01" * 5000 + b"\x42\x00"),
        "it is nested more than 16 deep",
    ),
    "nodes of a type": (record(MAX_TYPE_NODES // 2), "a type has more than 4096 parts"),
    "parameters": (parameters(MAX_TYPE_NODES // 2), "the type of a function has more than 4096 parts"),
    "depth of a type": (lists(MAX_TYPE_DEPTH + 1), "a type is more than 64 deep"),
    "doubled types": (doubled(12), "a type has more than 4096 parts"),
    "types that double to the last": (doubled(1000), "a type has more than 4096 parts"),
    "core modules": (
        HEAD + part(1, EMPTY_MODULE) * (parser.MAX_MODULES + 1),
        "it has more than 256 core modules",
    ),
    "steps": (steps(parser.MAX_STEPS + 1), "it instantiates more than 512 core modules"),
    "instances": (
        HEAD + part(4, HEAD) + section(5, *[b"\x00\x00\x00"] * parser.MAX_INSTANCES),
        "it has more than 64 instances of components",
    ),
    "resources": (
        HEAD + section(7, *[b"\x3f\x7f\x00"] * (parser.MAX_RESOURCES + 1)),
        "it defines more than 1024 resources",
    ),
    "lowers": (lowers(canonical.MAX_LOWERS + 1), "it lowers more than 4096 functions"),
    "components that double": (twice_instantiated(MAX_DEPTH), "it has more than 64 instances of components"),
    "instance types that double": (instance_types(MAX_DEPTH - 3, 2), "reading it takes too long"),
    "instance types that multiply": (instance_types(10, 100), "reading it takes too long"),
    "a million types": (HEAD + section(7, *[U8] * 1_000_000), "reading it takes too long"),
    "a million sections": (HEAD + part(7, b"\x00") * 1_000_000, "reading it takes too long"),
    "components that nobody instantiates": (HEAD + part(4, HEAD) * 100_000, "reading it takes too long"),
    "large types in many functions": (
        HEAD
        + section(
            7,
            b"\x42"
            + vector(
                [b"\x01\x6d" + vector(name(f"a{i}") for i in range(2000)), b"\x01\x40\x01\x01a\x00\x01\x00"]
                + [b"\x04\x00" + name(f"f{i}") + b"\x01\x01" for i in range(500)]
            ),
        ),
        "reading it takes too long",
    ),
    "a module of many exports": (
        HEAD + part(1, EMPTY_MODULE + section(7, *[name(f"{i}") + b"\x00\x00" for i in range(reader.MAX_WORK)])),
        "reading it takes too long",
    ),
}


@pytest.mark.parametrize("content", WITHIN.values(), ids=WITHIN)
def test_within_bounds(content: bytes) -> None:
    parse(content)


@pytest.mark.parametrize(("content", "message"), BEYOND.values(), ids=BEYOND)
def test_beyond_bounds(content: bytes, message: str) -> None:
    with pytest.raises(UnsupportedComponentError, match=f"^the component is too complex: {message}"):
        parse(content)


def test_imports_are_counted_at_each_instantiation() -> None:
    imports = section(2, *[name("m") + name(f"{i}") + b"\x00\x00" for i in range(1000)])
    module = EMPTY_MODULE + section(1, b"\x60\x00\x00") + imports
    core = component('(core module $m (func (export "f"))) (core instance $i (instantiate $m))')
    function = section(6, b"\x00\x00\x01\x00\x01f")
    single = section(2, b"\x01" + vector(name(f"{i}") + b"\x00\x00" for i in range(1000)))
    instance = section(2, b"\x00\x01\x01\x01m\x12\x01")
    content = core + function + single + part(1, module)
    assert len(parse(content + 32 * instance).steps) == 33
    with pytest.raises(UnsupportedComponentError, match="its core modules have more than 32768 imports"):
        parse(content + 33 * instance)


def test_exported_functions_are_counted() -> None:
    core = component(
        '(core module $m (func (export "f"))) (core instance $i (instantiate $m)) (func (canon lift (core func $i "f")))'
    )

    def exporting(count: int) -> bytes:
        interface = section(5, b"\x01" + vector(b"\x00" + name(f"f{i}") + b"\x01\x00" for i in range(count)))
        return core + interface + section(11, b"\x00" + name("a:b/c") + b"\x05\x00\x00")

    assert len(parse(exporting(world.MAX_EXPORTS)).exports["a:b/c"]) == world.MAX_EXPORTS
    with pytest.raises(UnsupportedComponentError, match="it exports more than 1024 functions"):
        parse(exporting(world.MAX_EXPORTS + 1))
