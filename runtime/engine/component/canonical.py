"""Canonical definitions: lifts, lowers and built-ins, with their options checked against the types.

Source: the component model's Binary.md, "Canonical Definitions", and CanonicalABI.md, of the same name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from runtime.engine.component.plan import CoreDefinition, Encoding, Lift, Lower, Options
from runtime.engine.component.reader import Malformed, Reader, too_complex, unsupported
from runtime.engine.component.scope import Function, Scope
from runtime.engine.component.types import MAX_FLAT_PARAMS, MAX_FLAT_RESULTS

if TYPE_CHECKING:
    from runtime.engine.component.value_types import Signature

MAX_LOWERS: Final = 4096
"""WASI 0.2 has some 250 functions; each lower becomes a function of the host's, in each guest."""

_ENCODINGS: Final[tuple[Encoding, ...]] = ("utf8", "utf16", "latin1+utf16")
_RESOURCE_BUILTINS: Final[dict[int, Literal["drop", "new", "rep"]]] = {0x02: "new", 0x03: "drop", 0x04: "rep"}
_REFUSED: Final = {
    0x05: "task.cancel",
    0x06: "subtask.cancel",
    0x07: "resource.drop async",
    0x08: "backpressure.set",
    0x09: "task.return",
    0x0A: "context.get",
    0x0B: "context.set",
    0x0C: "thread.yield",
    0x0D: "subtask.drop",
    0x0E: "stream.new",
    0x0F: "stream.read",
    0x10: "stream.write",
    0x11: "stream.cancel-read",
    0x12: "stream.cancel-write",
    0x13: "stream.drop-readable",
    0x14: "stream.drop-writable",
    0x15: "future.new",
    0x16: "future.read",
    0x17: "future.write",
    0x18: "future.cancel-read",
    0x19: "future.cancel-write",
    0x1A: "future.drop-readable",
    0x1B: "future.drop-writable",
    0x1C: "error-context.new",
    0x1D: "error-context.debug-message",
    0x1E: "error-context.drop",
    0x1F: "waitable-set.new",
    0x20: "waitable-set.wait",
    0x21: "waitable-set.poll",
    0x22: "waitable-set.drop",
    0x23: "waitable.join",
    0x24: "backpressure.inc",
    0x25: "backpressure.dec",
    0x26: "thread.index",
    0x27: "thread.new-indirect",
    0x28: "thread.resume-later",
    0x29: "thread.suspend",
    0x2A: "thread.suspend-then-resume",
    0x2B: "thread.yield-then-resume",
    0x2C: "thread.suspend-then-promote",
    0x2D: "thread.yield-then-promote",
    0x40: "thread.spawn-ref",
    0x41: "thread.spawn-indirect",
    0x42: "thread.available-parallelism",
}


def read_canonical(r: Reader, scope: Scope, lowers: list[Lower]) -> None:
    """A canonical definition: one more function, component-level or core, and perhaps one more of the plan's lowers."""
    code = r.byte()
    if code == 0x00:
        _lift(r, scope)
    elif code == 0x01:
        _lower(r, scope, lowers)
    elif code in _RESOURCE_BUILTINS:
        resource, builtin = scope.resource(r.u32()).resource, _RESOURCE_BUILTINS[code]
        if builtin != "drop" and resource not in scope.own_resources:
            raise Malformed(f"resource.{builtin} of a resource that is not the component's own")
        scope.add("core func", (builtin, resource, scope.owner))
    elif code in _REFUSED:
        raise unsupported(f"the canonical built-in {_REFUSED[code]}")
    else:
        raise Malformed(f"the unknown canonical definition {code:#04x}")


def _lift(r: Reader, scope: Scope) -> None:
    r.expect(0x00)
    function: CoreDefinition = scope.get("core func", r.u32())
    options = _options(r, scope)
    signature = scope.signature(r.u32())
    _check(
        "lift",
        signature,
        options,
        allocates=signature.pointers_in_params or signature.flat_params > MAX_FLAT_PARAMS,
    )
    scope.add("func", Function(Lift(function, signature.type, options, scope.owner), signature))


def _lower(r: Reader, scope: Scope, lowers: list[Lower]) -> None:
    r.expect(0x00)
    target, signature = scope.get("func", r.u32())
    options = _options(r, scope)
    if options.post_return:
        raise Malformed("a lower has the option post-return")
    _check("lower", signature, options, allocates=signature.pointers_in_result)
    if len(lowers) == MAX_LOWERS:
        raise too_complex(f"it lowers more than {MAX_LOWERS} functions")
    scope.add("core func", ("lower", len(lowers)))
    lowers.append(Lower(target, options, scope.owner))


def _options(r: Reader, scope: Scope) -> Options:
    found: dict[str, CoreDefinition] = {}
    encoding: Encoding | None = None
    for _ in range(r.count()):
        code = r.byte()
        if code < len(_ENCODINGS):
            if encoding:
                raise Malformed("a canonical option is there twice")
            encoding = _ENCODINGS[code]
            continue
        if code in {0x06, 0x07}:
            raise unsupported("async canonical options")
        if code == 0x08:  # noqa: PLR2004 - an earlier draft's code
            raise unsupported("core types as canonical options")
        if code > 0x05:  # noqa: PLR2004 - Binary.md's codes
            raise Malformed(f"the unknown canonical option {code:#04x}")
        name = ("memory", "realloc", "post_return")[code - 3]
        if name in found:
            raise Malformed("a canonical option is there twice")
        found[name] = scope.get("core memory" if name == "memory" else "core func", r.u32())
    if "realloc" in found and "memory" not in found:
        raise Malformed("the canonical option realloc is there without memory")
    return Options(found.get("memory"), found.get("realloc"), found.get("post_return"), encoding or "utf8")


def _check(what: str, signature: Signature, options: Options, *, allocates: bool) -> None:
    """`allocates`: whether something is put into the memory of the instance whose definition this is."""
    in_memory = (
        signature.pointers_in_params
        or signature.pointers_in_result
        or signature.flat_params > MAX_FLAT_PARAMS
        or signature.flat_results > MAX_FLAT_RESULTS
    )
    if in_memory and options.memory is None:
        raise Malformed(f"a {what} needs the canonical option memory for its types")
    if allocates and options.realloc is None:
        raise Malformed(f"a {what} needs the canonical option realloc for its types")
