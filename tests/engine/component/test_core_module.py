"""The heads of core modules."""

from __future__ import annotations

from contextlib import suppress

import pytest
from wasmtime import Engine, Limits, MemoryType, Module, wat2wasm

from runtime.engine.component import CoreLimits, export_memories, grows_memory, read_module, rename_imports
from runtime.engine.component.reader import Budget, Malformed
from runtime.engine.errors import UnsupportedComponentError
from tests.engine.component.samples import name, part, section, vector

MAGIC = b"\0asm\x01\0\0\0"


def module(text: str) -> bytes:
    return bytes(wat2wasm(f"(module {text})"))


EVERYTHING = """
    (import "a" "f" (func (param i32) (result i64)))
    (import "a" "m" (memory 1 5))
    (import "b" "t" (table 2 externref))
    (import "b" "g" (global (mut f64)))
    (import "" "\\e2\\82\\ac" (global v128))
    (memory 3)
    (table 4 7 funcref)
    (global (export "g") i32 (i32.const 1))
    (func $start)
    (func (export "f") (export "again"))
    (start $start)
"""


def test_what_a_head_says() -> None:
    content = module(EVERYTHING + '(export "m" (memory 0)) (export "t" (table 0))')
    info = read_module(content)
    assert [(i.module, i.field, i.kind) for i in info.imports] == [
        ("a", "f", "func"),
        ("a", "m", "memory"),
        ("b", "t", "table"),
        ("b", "g", "global"),
        ("", "€", "global"),
    ]
    assert content[info.imports[1].type_start : info.imports[1].type_end] == b"\x02\x01\x01\x05"
    assert info.exports == {"g": "global", "f": "func", "again": "func", "m": "memory", "t": "table"}
    assert info.memories == (CoreLimits(3, None),)
    assert info.tables == (CoreLimits(4, 7),)


def test_an_empty_module() -> None:
    info = read_module(MAGIC)
    assert (info.imports, info.exports, info.memories, info.tables, info.has_tags) == ((), {}, (), (), False)


def test_large_and_shared_memories_are_told() -> None:
    assert read_module(module("(memory i64 5 4294967296)")).memories == (CoreLimits(5, 2**32),)
    assert read_module(module("(memory 1 2 shared)")).memories == (CoreLimits(1, 2),)


def test_imports_get_other_names_and_nothing_else_changes() -> None:
    content = (
        MAGIC + part(0, name("before") + b"any\xff") + module(EVERYTHING)[8:] + part(0, name("after") + bytes(300))
    )
    names = [("host", f"{i}" * 200) for i in range(5)]
    renamed = rename_imports(content, names)
    old, new = read_module(content), read_module(renamed)
    assert [(i.module, i.field) for i in new.imports] == names
    assert [renamed[i.type_start : i.type_end] for i in new.imports] == [
        content[i.type_start : i.type_end] for i in old.imports
    ]
    assert renamed[: new.import_section[0]] == content[: old.import_section[0]]
    assert renamed[new.import_section[1] :] == content[old.import_section[1] :]
    assert [(i.module, i.name) for i in Module(Engine(), renamed).imports] == names


def test_the_same_names_make_the_same_module() -> None:
    content = module(EVERYTHING)
    assert rename_imports(content, [(i.module, i.field) for i in read_module(content).imports]) == content


def test_without_imports_there_is_nothing_to_rename() -> None:
    content = module("(func)")
    assert rename_imports(content, []) is content


IMPORT = name("a") + name("b")
MALFORMED = {
    "not a module": (b"\0asm\x0d\0\x01\0", "does not begin as one"),
    "cut in its magic": (MAGIC[:5], "does not begin as one"),
    "a section beyond the end": (MAGIC + b"\x02\x05\x00", "cut short"),
    "a section twice": (MAGIC + section(2) + section(2), "section 2 where none can be"),
    "an unknown section": (MAGIC + section(14), "section 14 where none can be"),
    "a section that is too long": (MAGIC + part(2, b"\x00\x00"), "longer than what is in it"),
    "an import of no kind": (MAGIC + section(2, IMPORT + b"\x05\x00"), "unknown kind 0x05"),
    "an import that is cut": (MAGIC + section(2, IMPORT), "cut short"),
    "an export of no kind": (MAGIC + section(7, name("a") + b"\x05\x00"), "unknown kind 0x05"),
    "an export twice": (MAGIC + section(7, *[name("a") + b"\x00\x00"] * 2), "one name twice"),
    "a memory of no kind": (MAGIC + section(5, b"\x10\x00"), "unknown kind 0x10"),
    "more imports than bytes": (MAGIC + part(2, b"\xff\xff\xff\xff\x0f"), "cut short"),
}
UNSUPPORTED = {
    "an exception": (section(2, IMPORT + b"\x04\x00\x00"), "exceptions between core modules"),
    "a table of typed references": (section(4, b"\x64\x00\x00\x00"), "tables of typed references"),
    "a table with a value": (section(4, b"\x40\x00\x70\x00\x00\xd0\x70\x0b"), "tables with an initial value"),
    "a global of typed references": (section(2, IMPORT + b"\x03\x64\x00\x00"), "globals of typed references"),
    "a shared global": (section(2, IMPORT + b"\x03\x7f\x02"), "shared globals"),
    "pages of another size": (section(5, b"\x08\x00\x00"), "pages of other sizes"),
}


@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed(content: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        read_module(content)


@pytest.mark.parametrize(("content", "message"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_unsupported(content: bytes, message: str) -> None:
    with pytest.raises(UnsupportedComponentError, match=message):
        read_module(MAGIC + content)


def test_reading_is_paid_for() -> None:
    content = MAGIC + part(7, vector(name(f"{i}") + b"\x00\x00" for i in range(1000)))
    read_module(content, Budget(4000))
    with pytest.raises(UnsupportedComponentError, match="too complex"):
        read_module(content, Budget(900))


def test_cut_short_anywhere_it_is_a_shorter_module_or_malformed() -> None:
    content = module(EVERYTHING)
    for end in range(len(content)):
        with suppress(Malformed):
            read_module(content[:end])


@pytest.mark.parametrize(
    "text",
    [
        "(memory 1)",
        '(memory 1) (func (export "run"))',
        "(memory 1) (func $f) (start $f)",
        '(memory 1) (table 1 funcref) (func $f) (elem (i32.const 0) $f) (data (i32.const 0) "x")',
        '(memory 1) (func (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 0))) (data "passive")',
        '(memory (export "a") 1) (global (export "b") i32 (i32.const 0))',
    ],
)
def test_a_memory_is_exported_and_nothing_else_changes(text: str) -> None:
    content = MAGIC + part(0, name("before")) + module(text)[8:] + part(0, name("after"))
    old, changed = read_module(content), export_memories(content, {0: "m" * 200})
    new = read_module(changed)
    assert new.exports == {**old.exports, "m" * 200: "memory"}
    assert (new.imports, new.memories, new.tables, new.has_tags) == (
        old.imports, old.memories, old.tables, old.has_tags,
    )  # fmt: skip
    compiled = Module(Engine(), changed)
    assert [each.name for each in compiled.exports] == list(new.exports)
    if not old.exports:
        # A section more, and all others as they were.
        added = len(changed) - len(content)
        assert any(changed[:at] + changed[at + added :] == content for at in range(len(changed)))


def test_of_several_memories_each_is_exported_under_its_name() -> None:
    content = module('(import "a" "m" (memory 1)) (memory 2 5) (memory (export "x") 3)')
    compiled = Module(Engine(), export_memories(content, {1: "one", 2: "two"}))
    sizes = {each.name: each.type.limits for each in compiled.exports if isinstance(each.type, MemoryType)}
    assert sizes == {"x": Limits(3, None), "one": Limits(2, 5), "two": Limits(3, None)}


def test_who_can_grow_a_memory() -> None:
    assert not grows_memory(module('(memory 1) (func (export "run") (drop (memory.size)))'))
    grows = module("(memory 1) (func (drop (memory.grow (i32.const 1))))")
    assert grows_memory(grows)
    # The index may be written longer than it needs to be.
    assert grows_memory(grows.replace(b"\x40\x00", b"\x40\x80\x80\x00"))
