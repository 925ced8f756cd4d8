"""Plans: of the components in the tree, and of small ones that show one thing each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.engine.component import (
    FuncType,
    GuestResource,
    Import,
    InterfaceType,
    Lift,
    Lower,
    Options,
    parse,
    read_module,
)
from runtime.engine.component.value_types import PRIMITIVE_TYPES
from tests.engine.component.samples import AGENTS, GUESTS, NOT_COMPONENTS, RICH, answer, parsed

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.engine.component import CoreDefinition, ModuleInfo, Plan

COMPONENTS = [path for path in AGENTS + GUESTS if path.stem not in NOT_COMPONENTS]

WITHOUT_RUN = {"no_run", "unknown_import", "wasi_0_3"}
"""Those that are refused for what they import or lack, which is not the parser's to judge."""


def check_definition(plan: Plan, infos: list[ModuleInfo], definition: CoreDefinition, steps: int, kind: str) -> None:
    """It is one of this kind, and of one of the first `steps`."""
    match definition:
        case ("export", step, name):
            assert step < steps
            assert infos[plan.steps[step].module].exports[name] == kind
        case ("lower", number):
            assert (kind, number < len(plan.lowers)) == ("func", True)
        case (("drop" | "new" | "rep"), resource, owner):
            assert (kind, owner < plan.instances) == ("func", True)
            assert isinstance(resource, str) or resource < len(plan.resources)
        case _:
            pytest.fail(f"a core definition {definition}")


def check_canonical(plan: Plan, infos: list[ModuleInfo], definition: Lift | Lower) -> None:
    assert definition.owner < plan.instances
    for option, kind in zip(definition.options[:3], ("memory", "func", "func"), strict=True):
        if option:
            check_definition(plan, infos, option, len(plan.steps), kind)
    if isinstance(definition, Lift):
        check_definition(plan, infos, definition.function, len(plan.steps), "func")
    elif isinstance(definition.target, Lift):
        check_canonical(plan, infos, definition.target)
    else:
        target = definition.target
        assert plan.imports[target.interface].functions[target.name] == target.type


def check(plan: Plan) -> None:
    """What holds of every plan: it refers to nothing but what is there, and to no step that has not been taken."""
    infos = [read_module(module) for module in plan.modules]
    for number, step in enumerate(plan.steps):
        wanted = infos[step.module].imports
        assert [(i.module, i.field) for i in wanted] == [given[:2] for given in step.imports]
        for (_, _, definition), imported in zip(step.imports, wanted, strict=True):
            check_definition(plan, infos, definition, number, imported.kind)
    for lower in plan.lowers:
        check_canonical(plan, infos, lower)
    for functions in plan.exports.values():
        for lift in functions.values():
            check_canonical(plan, infos, lift)
    for resource in plan.resources:
        assert resource.owner < plan.instances


def test_there_are_components_to_parse() -> None:
    assert {path.stem for path in AGENTS} >= {"echo", "pi"}


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_every_component_in_the_tree_has_a_plan(path: Path) -> None:
    plan = parse(path.read_bytes())
    check(plan)
    runs = [functions for name, functions in plan.exports.items() if name.startswith("wasi:cli/run@0.2.")]
    if path.stem not in WITHOUT_RUN:
        assert [run["run"].type for run in runs] == [FuncType((), ("result", None, None))]
    for name, interface in plan.imports.items():
        own = name.partition("@")[0]
        assert all(str(resource).startswith(("wasi:", "torpor:")) for resource in interface.resources.values())
        for function, type_ in interface.functions.items():
            if function.startswith("[method]"):
                assert type_.params[0] == ("self", ("borrow", f"{own}#{function[8:].partition('.')[0]}"))


@pytest.mark.parametrize("path", [path for path in GUESTS if path.stem in NOT_COMPONENTS], ids=lambda path: path.stem)
def test_what_is_no_component_is_invalid(path: Path) -> None:
    assert answer(path.read_bytes()) == "invalid"


def test_the_types_of_wasi_as_an_agent_says_them() -> None:
    agent = next(path for path in AGENTS if path.stem == "pi")
    imports = {name.partition("@")[0]: interface for name, interface in parse(agent.read_bytes()).imports.items()}
    http = imports["wasi:http/types"]
    assert http.resources["fields"] == http.resources["headers"] == "wasi:http/types#fields"
    assert http.resources["input-stream"] == "wasi:io/streams#input-stream"
    assert http.functions["[method]fields.get"] == FuncType(
        (("self", ("borrow", "wasi:http/types#fields")), ("name", "string")), ("list", ("list", "u8"))
    )
    assert imports["wasi:clocks/wall-clock"].types["datetime"] == (
        "record",
        (("seconds", "u64"), ("nanoseconds", "u32")),
    )


def test_something_of_everything() -> None:
    plan = parsed(RICH)
    check(plan)
    assert plan.instances == 4
    assert [step.module for step in plan.steps] == [0, 0, 1, 2]
    assert [lower.owner for lower in plan.lowers] == [1, 2, 0, 0]
    assert plan.steps[1].imports == (
        ("host", "plain", ("lower", 1)),
        ("host", "drop", ("drop", "a:b/types#stream", 2)),
    )
    assert plan.resources == (GuestResource(1, ("export", 0, "dtor")), GuestResource(2, ("export", 1, "dtor")))
    double = plan.exports["a:b/made"]["double"]
    assert double == Lift(
        ("export", 1, "double"),
        FuncType((("s", "string"),), "string"),
        Options(("export", 1, "memory"), ("export", 1, "realloc"), ("export", 1, "post"), "utf16"),
        2,
    )
    assert plan.lowers[2].target == double
    assert plan.lowers[3].options.encoding == "latin1+utf16"
    stream, color = "a:b/types#stream", ("enum", ("red", "green"))
    size = ("record", (("width", "u32"), ("height", "f64")))
    shape = ("variant", (("none", None), ("circle", "f32"), ("text", "string"), ("box", size)))
    mode = ("flags", ("fast", "safe"))
    assert plan.imports == {
        "a:b/types@0.2.3": InterfaceType(
            functions={
                "[method]stream.read": FuncType(
                    (("self", ("borrow", stream)), ("len", "u64"), ("how", mode)), ("result", ("list", "u8"), color)
                ),
                "open": FuncType((("shape", shape), ("where", ("tuple", ("s8", "char", "bool")))), ("own", stream)),
                "plain": FuncType((("a", ("option", "s64")),), "u32"),
            },
            types={"size": size, "shape": shape, "color": color, "mode": mode},
            resources={"stream": stream, "other-name": stream},
        )
    }


def test_a_component_of_nothing() -> None:
    plan = parsed("")
    assert (plan.modules, plan.steps, plan.imports, plan.exports, plan.instances) == ((), (), {}, {}, 1)


def test_a_resource_belongs_to_the_interface_that_declares_it() -> None:
    plan = parsed("""
        (import "a:b/one@1.0.0" (instance $one (export "r" (type (sub resource)))))
        (alias export $one "r" (type $r))
        (import "a:b/two@1.0.0" (instance
          (alias outer 1 $r (type $r))
          (export "r" (type $r' (eq $r)))
          (export "s" (type $s (sub resource)))
          (export "f" (func (param "r" (own $r')) (param "s" (borrow $s)))))) """)
    assert plan.imports["a:b/two@1.0.0"].resources == {"r": "a:b/one#r", "s": "a:b/two#s"}
    assert plan.imports["a:b/two@1.0.0"].functions["f"].params == (
        ("r", ("own", "a:b/one#r")),
        ("s", ("borrow", "a:b/two#s")),
    )


def test_one_instance_type_imported_twice_has_two_resources() -> None:
    plan = parsed("""
        (type $t (instance (export "r" (type $r (sub resource))) (export "f" (func (result (own $r))))))
        (import "a:b/one" (instance (type $t)))
        (import "a:b/two" (instance (type $t)))""")
    assert [interface.functions["f"].result for interface in plan.imports.values()] == [
        ("own", "a:b/one#r"),
        ("own", "a:b/two#r"),
    ]


def test_what_is_given_prevails_over_what_is_declared() -> None:
    plan = parsed("""
        (import "a:b/host" (instance $host
          (export "t" (type $t (sub resource))) (export "f" (func (param "x" (borrow $t))))))
        (component $c
          (import "renamed" (instance $i (export "t" (type $t (sub resource))) (export "f" (func (param "x" (borrow $t))))))
          (alias export $i "f" (func $f))
          (core func $f (canon lower (func $f)))
          (core module $m (import "" "f" (func (param i32))))
          (core instance (instantiate $m (with "" (instance (export "f" (func $f)))))))
        (instance (instantiate $c (with "renamed" (instance $host))))""")
    assert [lower.target for lower in plan.lowers] == [
        Import("a:b/host", "f", FuncType((("x", ("borrow", "a:b/host#t")),), None))
    ]


def test_components_are_given_to_components() -> None:
    plan = parsed("""
        (component $leaf (core module $m) (core instance (instantiate $m)))
        (component $user
          (import "leaf" (component $leaf))
          (instance (instantiate $leaf))
          (instance (instantiate $leaf)))
        (instance (instantiate $user (with "leaf" (component $leaf))))""")
    assert (len(plan.modules), len(plan.steps), plan.instances) == (1, 2, 4)


def test_outer_types_are_those_of_the_place_of_definition() -> None:
    plan = parsed("""
        (type $t (record (field "a" u8)))
        (component $c
          (alias outer 1 $t (type $t))
          (component $d
            (alias outer 2 0 (type $t))
            (core module $m (func (export "f") (param i32)))
            (core instance $i (instantiate $m))
            (func (export "f") (param "x" $t) (canon lift (core func $i "f"))))
          (instance $d (instantiate $d))
          (export "d" (instance $d)))
        (instance $c (instantiate $c))
        (alias export $c "d" (instance $d))
        (export "a:b/d" (instance $d))""")
    assert plan.exports["a:b/d"]["f"].type.params == (("x", ("record", (("a", "u8"),))),)
    assert plan.exports["a:b/d"]["f"].owner == 2


def test_types_of_a_world_and_functions_of_its_own_are_passed_over() -> None:
    plan = parsed("""
        (import "a:b/i" (instance $i (export "t" (type (sub resource)))))
        (alias export $i "t" (type $t))
        (import "t" (type (eq $t)))
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func (export "init") (canon lift (core func $i "f")))""")
    assert list(plan.imports) == ["a:b/i"]
    assert plan.exports == {}


def test_every_primitive_type() -> None:
    names = sorted(PRIMITIVE_TYPES)
    plan = parsed(
        '(import "a:b/i" (instance '
        + " ".join(f'(export "take-{name}" (func (param "x" {name}) (result {name})))' for name in names)
        + "))"
    )
    assert plan.imports["a:b/i"].functions == {f"take-{name}": FuncType((("x", name),), name) for name in names}
