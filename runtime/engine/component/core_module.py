"""The head of a core module: what it imports, exports and allocates. Its code is wasmtime's to judge."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

import attrs

from runtime.engine.component.reader import Budget, Malformed, Reader, unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CoreKind = Literal["func", "table", "memory", "global", "tag"]

MAGIC: Final = b"\0asm\x01\0\0\0"

_KINDS: Final[tuple[CoreKind, ...]] = ("func", "table", "memory", "global", "tag")
_IMPORTS, _TABLES, _MEMORIES, _EXPORTS, _TAGS = 2, 4, 5, 7, 13

_AFTER_EXPORTS: Final = (8, 9, 10, 11, 12)
"""Start, elements, code, data, and how many data there are."""

_LAST_SECTION: Final = 13

_MEMORY_GROW: Final = re.compile(rb"\x40\x80*\x00")
"""However the index of the memory is written, which is 0."""

_REFERENCES: Final = (0x70, 0x6F)
"""funcref, externref."""

_NUMBERS: Final = (0x7F, 0x7E, 0x7D, 0x7C, 0x7B)
"""i32, i64, f32, f64, v128."""

_HAS_MAXIMUM, _IS_64, _PAGE_SIZE = 1, 4, 8  # 2 is a shared one, which wasmtime refuses
_TABLE_WITH_VALUE: Final = 0x40


@attrs.frozen
class CoreImport:
    """One import of a core module."""

    module: str
    field: str
    kind: CoreKind
    type_start: int
    """Where its kind and type are in the module, to `type_end`."""
    type_end: int


@attrs.frozen
class CoreLimits:
    """How large a memory (in pages of 64 KiB) or a table (in elements) is, and may become."""

    minimum: int
    maximum: int | None


@attrs.frozen
class ModuleInfo:
    """What the head of a core module says."""

    imports: tuple[CoreImport, ...]
    exports: dict[str, CoreKind]
    memories: tuple[CoreLimits, ...]
    """Those that the module defines, not those that it imports; so with tables."""
    tables: tuple[CoreLimits, ...]
    has_tags: bool
    """Whether it has exceptions of its own, which it can throw."""
    import_section: tuple[int, int]
    """From where to where the import section goes, its own head included; empty when there is none."""


def read_module(content: bytes, budget: Budget | None = None) -> ModuleInfo:
    """Read a core module's head (https://webassembly.github.io/spec/core/binary/modules.html).

    Raises Malformed where that cannot be read, and UnsupportedComponentError for types of imports, tables and memories that
    this runtime does not know.
    """
    reader = Reader(content, 0, len(content), budget or Budget())
    if content[:8] != MAGIC:
        raise Malformed("a core module does not begin as one")
    reader.at = 8
    imports: list[CoreImport] = []
    exports: dict[str, CoreKind] = {}
    memories: list[CoreLimits] = []
    tables: list[CoreLimits] = []
    import_section = (0, 0)
    seen: set[int] = set()
    while reader.at < reader.end:
        start = reader.at
        section = reader.byte()
        body = reader.part(reader.u32())
        reader.budget.spend(1)
        if section == 0:
            continue
        if section > _LAST_SECTION or section in seen:
            raise Malformed(f"a core module has a section {section} where none can be")
        seen.add(section)
        if section == _IMPORTS:
            import_section = (start, body.end)
            imports = [_import(body) for _ in range(body.count())]
        elif section == _TABLES:
            tables = [_table(body) for _ in range(body.count())]
        elif section == _MEMORIES:
            memories = [_limits(body) for _ in range(body.count())]
        elif section == _EXPORTS:
            exports = _exports(body)
        else:
            continue
        body.done("a section of a core module")
    return ModuleInfo(tuple(imports), exports, tuple(memories), tuple(tables), _TAGS in seen, import_section)


def rename_imports(module: bytes, names: Sequence[tuple[str, str]]) -> bytes:
    """The same module, importing under other names: a (module, field) for each of its imports, in their order.

    Raises what read_module raises.
    """
    info = read_module(module)
    assert len(names) == len(info.imports), "a name for each import"
    if not names:
        return module
    parts = [leb128(len(names))]
    for (name, field), imported in zip(names, info.imports, strict=True):
        for text in (name.encode(), field.encode()):
            parts += [leb128(len(text)), text]
        parts.append(module[imported.type_start : imported.type_end])
    body = b"".join(parts)
    start, end = info.import_section
    view = memoryview(module)
    return b"".join((view[:start], bytes([_IMPORTS]), leb128(len(body)), body, view[end:]))


def grows_memory(module: bytes) -> bool:
    """Whether code of the module may grow its first memory: the bytes of such an instruction are in it, if only by chance."""
    return _MEMORY_GROW.search(module) is not None


def export_memories(module: bytes, names: Mapping[int, str]) -> bytes:
    """The same module, exporting the memories of these indices, which it must have, under more names, which must be free.

    Raises what read_module raises.
    """
    reader = Reader(module, len(MAGIC), len(module), Budget())
    kind = bytes([_KINDS.index("memory")])
    entries = b"".join(leb128(len(name.encode())) + name.encode() + kind + leb128(at) for at, name in names.items())
    start = end = len(module)
    body = leb128(len(names)) + entries
    while reader.at < reader.end:
        at, section = reader.at, reader.byte()
        part = reader.part(reader.u32())
        if section == _EXPORTS:
            start, end = at, part.end
            body = leb128(part.count() + len(names)) + module[part.at : part.end] + entries
            break
        if section in _AFTER_EXPORTS:
            start = end = at
            break
    return b"".join((module[:start], bytes([_EXPORTS]), leb128(len(body)), body, module[end:]))


def leb128(number: int) -> bytes:
    """An unsigned number, as short as can be."""
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _import(reader: Reader) -> CoreImport:
    module, field = reader.name(), reader.name()
    start = reader.at
    kind = reader.byte()
    if kind == 0:
        reader.u32()
    elif kind == 1:
        _table(reader)
    elif kind == 2:  # noqa: PLR2004 - the order of _KINDS
        _limits(reader)
    elif kind == 3:  # noqa: PLR2004
        _global(reader)
    elif kind == 4:  # noqa: PLR2004
        raise unsupported("exceptions between core modules")
    else:
        raise Malformed(f"a core module imports something of the unknown kind {kind:#04x}")
    return CoreImport(module, field, _KINDS[kind], start, reader.at)


def _exports(reader: Reader) -> dict[str, CoreKind]:
    exports: dict[str, CoreKind] = {}
    count = reader.count()
    for _ in range(count):
        name, kind = reader.name(), reader.byte()
        reader.u32()
        if kind >= len(_KINDS):
            raise Malformed(f"a core module exports something of the unknown kind {kind:#04x}")
        exports[name] = _KINDS[kind]
    if len(exports) != count:
        raise Malformed("a core module exports one name twice")
    return exports


def _table(reader: Reader) -> CoreLimits:
    element = reader.byte()
    if element == _TABLE_WITH_VALUE:
        raise unsupported("tables with an initial value")
    if element not in _REFERENCES:
        raise unsupported("tables of typed references")
    return _limits(reader)


def _limits(reader: Reader) -> CoreLimits:
    flags = reader.byte()
    if flags & _PAGE_SIZE:
        raise unsupported("pages of other sizes")
    if flags > _PAGE_SIZE:
        raise Malformed(f"a core module has a memory or table of the unknown kind {flags:#04x}")
    number = reader.u64 if flags & _IS_64 else reader.u32
    minimum = number()
    maximum = number() if flags & _HAS_MAXIMUM else None
    return CoreLimits(minimum, maximum)


def _global(reader: Reader) -> None:
    if reader.byte() not in (*_NUMBERS, *_REFERENCES):
        raise unsupported("globals of typed references")
    if reader.byte() > 1:
        raise unsupported("shared globals")
