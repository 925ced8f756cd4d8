"""What is refused, rule by rule, and what it is told."""

from __future__ import annotations

import pytest

from runtime.engine.component import parse
from runtime.engine.component.core_module import leb128
from runtime.engine.errors import InvalidComponentError, UnsupportedComponentError
from tests.engine.component.samples import HEAD, component, name, part, section, vector

MODULE = """
  (core module $m
    (memory (export "memory") 1)
    (global (export "g") i32 (i32.const 0))
    (func (export "f"))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (unreachable)))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "f" (core func $f))
  (alias core export $i "realloc" (core func $realloc))
"""
HOST = '(import "a:b/c" (instance $host (export "r" (type $r (sub resource))) (export "f" (func {})))) '
LOWERED = HOST + '(alias export $host "f" (func $c)) ' + MODULE + "(core func (canon lower (func $c) {}))"
MEMORY = "(memory $memory)"
REALLOC = "(realloc (core func $realloc))"
SEVENTEEN = " ".join(f'(param "p{i}" u8)' for i in range(17))


def lower(signature: str, options: str) -> bytes:
    return component(LOWERED.format(signature, options))


def lift(parameter: str, result: str, options: str) -> bytes:
    return component(MODULE + f"(func {parameter} {result} (canon lift (core func $f) {options}))")


def types(*definitions: bytes) -> bytes:
    return HEAD + section(7, *definitions)


U8 = b"\x7d"
RESOURCE = b"\x3f\x7f\x00"

INVALID: dict[str, tuple[bytes, str]] = {
    # The file
    "nothing": (b"", "it is not a WebAssembly component"),
    "a script": (b"#!/bin/sh\n", "it is not a WebAssembly component"),
    "a core module": (b"\0asm\x01\0\0\0", "it is a core WebAssembly module"),
    "another version": (b"\0asm\x0e\0\x01\0", "or one of another version"),
    "an unknown section": (HEAD + part(13, b""), "the unknown section 13"),
    "a section beyond the end": (HEAD + b"\x07\x05\x00", "it is cut short"),
    "a section that is too long": (HEAD + part(7, b"\x00\x00"), "a section is longer than what is in it"),
    "a custom section without a name": (HEAD + part(0, b""), "it is cut short"),
    "a core module that is none": (HEAD + part(1, b"\0asm"), "a core module does not begin as one"),
    "a component within that is none": (HEAD + part(4, b"\0asm\x01\0\0\0"), "it is a core WebAssembly module"),
    # Types
    "an unknown type": (types(b"\x3d"), "the unknown type 0x3d"),
    "a type that is not there": (types(b"\x70\x05"), "there is no type 5"),
    "a type that refers to itself": (types(b"\x70\x00"), "there is no type 0"),
    "a list of functions": (types(b"\x40\x00\x01\x00", b"\x70\x00"), "type 0 is not a value's"),
    "a list of resources": (types(RESOURCE, b"\x70\x00"), "type 0 is not a value's"),
    "a handle of a number": (types(U8, b"\x69\x00"), "type 0 is not a resource's"),
    "an empty record": (types(b"\x72\x00"), "a record is empty"),
    "an empty variant": (types(b"\x71\x00"), "a variant is empty"),
    "an empty enum": (types(b"\x6d\x00"), "an enum is empty"),
    "empty flags": (types(b"\x6e\x00"), "a set of flags is empty"),
    "an empty tuple": (types(b"\x6f\x00"), "a tuple is empty"),
    "a field twice": (component('(type (record (field "a" u8) (field "a" u8)))'), "a record has one label twice"),
    "a case twice": (component('(type (variant (case "a") (case "A")))'), "a variant has one label twice"),
    "an enum's case twice": (component('(type (enum "a-b" "A-b"))'), "an enum has one label twice"),
    "a flag twice": (component('(type (flags "x" "X"))'), "a set of flags has one label twice"),
    "a parameter twice": (component('(type (func (param "x" u8) (param "x" u8)))'), "parameters has one label twice"),
    "33 flags": (types(b"\x6e" + vector(name(f"f{i}") for i in range(33))), "33 of them, and 32 at most"),
    "an empty label": (types(b"\x6d\x01\x00"), "'' in an enum is not a label"),
    "a label with a blank": (types(b"\x6d" + vector([name("a b")])), "'a b' in an enum is not a label"),
    "a label of mixed case": (types(b"\x6d" + vector([name("aB")])), "'aB' in an enum is not a label"),
    "a label with a line break": (types(b"\x6d" + vector([name("a\n")])), "in an enum is not a label"),
    "a case with a refinement": (types(b"\x71\x01\x01a\x00\x01\x00"), "0x01 where 0x00 should be"),
    "an option of neither": (types(b"\x6a\x02\x00"), "0x02 where 0 or 1 should be"),
    "a borrowed result": (types(RESOURCE, b"\x68\x00", b"\x40\x00\x00\x01"), "result has a borrowed handle in it"),
    "a borrowed handle within a result": (
        types(RESOURCE, b"\x68\x00", b"\x6b\x01", b"\x40\x00\x00\x02"),
        "result has a borrowed handle in it",
    ),
    "a resource in an instance type": (types(b"\x42" + vector([b"\x01" + RESOURCE])), "the unknown type 0x3f"),
    "an import in an instance type": (types(b"\x42" + vector([b"\x03\x00\x01a\x01\x00"])), "unknown kind 0x03"),
    "a function's alias in a type": (
        types(b"\x42" + vector([b"\x02\x01\x00\x00\x01f"])),
        "an alias of a func in a type",
    ),
    "a declaration twice": (
        component('(type (instance (export "a" (func)) (export "A" (func))))'),
        "the export 'A' is there twice",
    ),
    # Index spaces and aliases
    "an instance that is not there": (HEAD + section(6, b"\x03\x00\x00\x01t"), "there is no instance 0"),
    "an export that is not there": (
        component('(import "a:b/c" (instance $i)) (alias export $i "t" (type))'),
        "instance 0 does not export 't' \\(type\\)",
    ),
    "an export of another sort": (
        component('(import "a:b/c" (instance $i (export "f" (func)))) (alias export $i "f" (type))'),
        "instance 0 does not export 'f' \\(type\\)",
    ),
    "a core export that is not there": (
        component(MODULE + '(alias core export $i "none" (core func))'),
        "core instance 0 does not export 'none' \\(core func\\)",
    ),
    "a core export of another kind": (
        component(MODULE + '(alias core export $i "memory" (core func))'),
        "core instance 0 does not export 'memory' \\(core func\\)",
    ),
    "an alias of no kind": (HEAD + section(6, b"\x03\x03\x00\x00"), "an alias of the unknown kind 0x03"),
    "an alias of no sort": (HEAD + section(6, b"\x06\x00\x00\x00"), "the unknown sort 0x06"),
    "an alias of no core sort": (HEAD + section(6, b"\x00\x05\x00\x00"), "the unknown core sort 0x05"),
    "an alias out of the file": (HEAD + section(6, b"\x03\x02\x01\x00"), "an alias reaches out of the component"),
    "an alias far out of the file": (
        HEAD + section(6, b"\x03\x02" + leb128(2**32 - 1) + b"\x00"),
        "an alias reaches out of the component",
    ),
    "an outer function": (HEAD + section(6, b"\x01\x02\x00\x00"), "an alias of an outer func"),
    "an outer type that comes later": (
        component("(component $c (alias outer 1 0 (type))) (type u8) (instance (instantiate $c))"),
        "there is no outer type 0",
    ),
    "an outer resource": (
        component(
            "(type $r (resource (rep i32))) (component $c (alias outer 1 $r (type))) (instance (instantiate $c))"
        ),
        "an alias of an outer type with resources in it",
    ),
    "an outer type with a resource": (
        component(
            "(type $r (resource (rep i32))) (type $o (option (own $r)))"
            "(component $c (alias outer 1 $o (type))) (instance (instantiate $c))"
        ),
        "an alias of an outer type with resources in it",
    ),
    # Imports, exports, instances
    "a name of no kind": (HEAD + section(10, b"\x03\x01a\x01\x00"), "a name of the unknown kind 0x03"),
    "an empty name": (HEAD + section(10, b"\x00\x00\x01\x00"), "the name ''"),
    "a name with a line break": (HEAD + section(10, b"\x00\x02a\n\x01\x00"), r"the name 'a\\n'"),
    "an import of no kind": (HEAD + section(10, b"\x00\x01a\x06\x00"), "import or export of the unknown kind 0x06"),
    "an import of a type that is not there": (HEAD + section(10, b"\x00\x01a\x05\x00"), "there is no type 0"),
    "an instance of a value's type": (
        types(U8) + section(10, b"\x00\x01a\x05\x00"),
        "type 0 is not an instance's",
    ),
    "a component of an instance's type": (
        types(b"\x42\x00") + section(10, b"\x00\x01a\x04\x00"),
        "type 0 is not a component's",
    ),
    "a function of a value's type": (
        types(U8) + section(10, b"\x00\x01a\x01\x00"),
        "type 0 is not a function's",
    ),
    "an import twice": (
        component('(import "a:b/c" (instance)) (import "a:B/c" (instance))'),
        "the import 'a:B/c' is there twice",
    ),
    "an export twice": (
        component('(instance $i) (export "a:b/c" (instance $i)) (export "a:b/c" (instance $i))'),
        "the export 'a:b/c' is there twice",
    ),
    "an export within an instance twice": (
        component('(type $t u8) (instance (export "a" (type $t)) (export "a" (type $t)))'),
        "'a' is there twice",
    ),
    "an export of another sort than it says": (
        component("(type $t (func)) (instance $i) (type $it (instance)) ")
        + section(11, b"\x00\x01a\x05\x00\x01\x01\x00"),
        "the export 'a' is declared as func, and is of the sort instance",
    ),
    "an export of something core": (component(MODULE) + section(11, b"\x00\x01a\x00\x02\x00\x00"), "a core memory as"),
    "a component without its import": (
        component('(component $c (import "x" (func))) (instance (instantiate $c))'),
        "a component is not given its import 'x' \\(func\\)",
    ),
    "a component with an import of another sort": (
        component(
            '(component $c (import "x" (func))) (instance $i) (instance (instantiate $c (with "x" (instance $i))))'
        ),
        "a component is not given its import 'x' \\(func\\)",
    ),
    "a resource where a value's type should be": (
        component(
            '(type $r (resource (rep i32))) (component $c (type $u u8) (import "x" (type (eq $u))))'
            '(instance (instantiate $c (with "x" (type $r))))'
        ),
        "a component is not given its import 'x' \\(type\\)",
    ),
    "a value's type where a resource should be": (
        component(
            '(type $t u8) (component $c (import "x" (type (sub resource))))'
            '(instance (instantiate $c (with "x" (type $t))))'
        ),
        "a component is not given its import 'x' \\(type\\)",
    ),
    "an argument twice": (
        component(
            '(instance $i) (component $c) (instance (instantiate $c (with "x" (instance $i)) (with "x" (instance $i))))'
        ),
        "'x' is there twice",
    ),
    # Core instances
    "a core module without its import": (
        component('(core module $m (import "a" "f" (func))) (core instance (instantiate $m))'),
        "core module 0 is not given its import 'a.f' \\(func\\)",
    ),
    "a core module with an import of another kind": (
        component(
            MODULE
            + '(core module $n (import "a" "memory" (func))) (core instance (instantiate $n (with "a" (instance $i))))'
        ),
        "core module 1 is not given its import 'a.memory' \\(func\\)",
    ),
    "a core module with one import twice": (
        component('(core module (import "a" "f" (func)) (import "a" "f" (func)))'),
        "a core module has one import twice",
    ),
    "a core argument twice": (
        component(MODULE + '(core instance (instantiate $m (with "a" (instance $i)) (with "a" (instance $i))))'),
        "an argument 'a' is there twice",
    ),
    "a core argument that is no instance": (
        component(MODULE) + section(2, b"\x00\x00\x01\x01a\x00\x00"),
        "0x00 where 0x12 should be",
    ),
    "a core export twice": (
        component(MODULE + '(core instance (export "f" (func $f)) (export "f" (func $f)))'),
        "an export 'f' is there twice",
    ),
    "a core export that is a module": (
        component(MODULE) + section(2, b"\x01\x01\x01a\x11\x00"),
        "a core module as an export of a core instance",
    ),
    # Canonical definitions
    "an unknown canonical definition": (HEAD + section(8, b"\x30"), "the unknown canonical definition 0x30"),
    "an unknown canonical option": (
        component(MODULE) + section(8, b"\x00\x00\x00\x01\x09\x00\x00"),
        "the unknown canonical option 0x09",
    ),
    "memory twice": (lower("", MEMORY + MEMORY), "a canonical option is there twice"),
    "an encoding twice": (lower("", "string-encoding=utf8 string-encoding=utf16"), "a canonical option is there twice"),
    "a memory that is not there": (
        component(MODULE) + section(8, b"\x00\x00\x00\x01\x03\x07\x00"),
        "there is no core memory 7",
    ),
    "realloc without memory": (lower("", REALLOC), "realloc is there without memory"),
    "a lower with post-return": (lower("", "(post-return (core func $f))"), "a lower has the option post-return"),
    "a lift of a value's type": (
        component(MODULE + "(type u8)") + section(8, b"\x00\x00\x00\x00\x00"),
        "type 0 is not a function's",
    ),
    "a lift of a function that is not there": (HEAD + section(8, b"\x00\x00\x00\x00\x00"), "there is no core func 0"),
    "a lower of a function that is not there": (HEAD + section(8, b"\x01\x00\x00\x00"), "there is no func 0"),
    "a lower of a string without memory": (lower('(param "s" string)', ""), "needs the canonical option memory"),
    "a lower of a list without memory": (
        lower('(param "s" (list u8))', ""),
        "a lower needs the canonical option memory for its types",
    ),
    "a lower of 17 parameters without memory": (lower(SEVENTEEN, ""), "needs the canonical option memory"),
    "a lower of two results without memory": (
        lower("(result (tuple u8 u8))", ""),
        "a lower needs the canonical option memory for its types",
    ),
    "a lower that returns a string without realloc": (
        lower("(result string)", MEMORY),
        "a lower needs the canonical option realloc for its types",
    ),
    "a lift that returns a string without memory": (
        lift("", "(result string)", ""),
        "a lift needs the canonical option memory for its types",
    ),
    "a lift of two results without memory": (
        lift("", "(result (tuple u8 u8))", ""),
        "a lift needs the canonical option memory for its types",
    ),
    "a lift that takes a string without realloc": (
        lift('(param "s" string)', "", MEMORY),
        "a lift needs the canonical option realloc for its types",
    ),
    "a lift of 17 parameters without realloc": (lift(SEVENTEEN, "", MEMORY), "canonical option realloc for its types"),
    "resource.new of another's resource": (
        component(HOST.format("") + '(alias export $host "r" (type $t)) (core func (canon resource.new $t))'),
        "resource.new of a resource that is not the component's own",
    ),
    "resource.rep of a resource of another component": (
        component(
            '(type $r (resource (rep i32))) (component $c (import "r" (type $r (sub resource)))'
            '(core func (canon resource.rep $r))) (instance (instantiate $c (with "r" (type $r))))'
        ),
        "resource.rep of a resource that is not the component's own",
    ),
    "resource.drop of a number": (types(U8) + section(8, b"\x03\x00"), "type 0 is not a resource's"),
}

UNSUPPORTED: dict[str, tuple[bytes, str]] = {
    "core types": (HEAD + section(3), "core types"),
    "core types in a type": (types(b"\x42" + vector([b"\x00\x60\x00\x00"])), "core types"),
    "a start function": (HEAD + part(9, b""), "values"),
    "values": (HEAD + section(12), "values"),
    "an alias of a value": (HEAD + section(6, b"\x02\x00\x00\x00"), "values"),
    "an import of a value": (HEAD + section(10, b"\x00\x01a\x02\x01\x7d"), "values"),
    "an import of a core module": (HEAD + section(10, b"\x00\x01a\x00\x11\x00"), "core modules as imports"),
    "an export of a core module": (
        component(MODULE) + section(11, b"\x00\x01a\x00\x11\x00\x00"),
        "core modules as exports",
    ),
    "a tag": (HEAD + section(6, b"\x00\x04\x01\x00\x01a"), "exceptions between core modules"),
    "a core type's alias": (HEAD + section(6, b"\x00\x10\x02\x00\x00"), "core types"),
    "a module that imports a tag": (
        component('(core module (import "a" "t" (tag)))'),
        "exceptions between core modules",
    ),
    "names with attributes": (HEAD + section(10, b"\x02\x01a\x00\x05\x00"), "names with attributes"),
    "maps": (types(b"\x63\x7d\x7d"), "maps"),
    "error contexts": (types(b"\x70\x64"), "error contexts"),
    "futures": (types(b"\x65\x00"), "streams and futures"),
    "streams": (types(b"\x66\x00"), "streams and futures"),
    "lists of fixed length": (types(b"\x67\x7d\x04"), "fixed-length lists"),
    "async functions": (types(b"\x43\x00\x01\x00"), "async functions"),
    "async destructors": (types(b"\x3e\x7f\x00\x00"), "resources with an async destructor"),
    "other representations": (types(b"\x3f\x7e\x00"), "resources with a representation other than i32"),
    "async options": (lower("", "async"), "async canonical options"),
    "callbacks": (component(MODULE) + section(8, b"\x00\x00\x00\x01\x07\x00\x00"), "async canonical options"),
    "options of garbage collection": (
        component(MODULE) + section(8, b"\x00\x00\x00\x01\x08\x00\x00"),
        "core types as canonical options",
    ),
    "task.return": (HEAD + section(8, b"\x09\x01\x00\x00"), "the canonical built-in task.return"),
    "context.get": (HEAD + section(8, b"\x0a\x7f\x00"), "the canonical built-in context.get"),
    "threads": (HEAD + section(8, b"\x42\x00"), "the canonical built-in thread.available-parallelism"),
    "imported functions": (component('(import "f" (func))'), r"functions as imports outside of an interface \(f\)"),
    "imported components": (component('(import "c" (component))'), "components as imports outside of an interface"),
    "imported resources": (
        component('(import "r" (type (sub resource)))'),
        "resources as imports outside of an interface",
    ),
    "imported interfaces within interfaces": (
        component('(import "a:b/c" (instance (export "x" (instance))))'),
        "interfaces within interfaces",
    ),
    "imported function types": (
        component('(import "a:b/c" (instance (type $f (func)) (export "x" (type (eq $f)))))'),
        "types that are no value's",
    ),
    "exported imports": (
        component('(import "a:b/c" (instance $i (export "f" (func)))) (export "a:b/d" (instance $i))'),
        r"imported functions as exports \(a:b/d#f\)",
    ),
    "exported interfaces within interfaces": (
        component('(instance $i) (instance $o (export "i" (instance $i))) (export "a:b/d" (instance $o))'),
        r"instances within an exported interface \(a:b/d#i\)",
    ),
}


@pytest.mark.parametrize(("content", "message"), INVALID.values(), ids=INVALID)
def test_invalid(content: bytes, message: str) -> None:
    with pytest.raises(InvalidComponentError, match=f"^not a valid component: .*{message}"):
        parse(content)


@pytest.mark.parametrize(("content", "message"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_unsupported(content: bytes, message: str) -> None:
    with pytest.raises(
        UnsupportedComponentError, match=f"^the component uses {message}.*, which this runtime does not"
    ):
        parse(content)


ACCEPTED = {
    "16 parameters need no memory": lower(" ".join(f'(param "p{i}" u8)' for i in range(16)), ""),
    "one result needs no memory": lower("(result (tuple u8))", ""),
    "a lower of a string needs no realloc": lower('(param "s" string)', MEMORY),
    "a lower of 17 parameters needs no realloc": lower(SEVENTEEN, MEMORY),
    "a lower of two results needs no realloc": lower("(result (tuple u8 u8))", MEMORY),
    "a lift that returns a string needs no realloc": lift("", "(result string)", MEMORY),
    "a lift with everything": lift(
        '(param "s" string)', "(result string)", MEMORY + REALLOC + "(post-return (core func $f)) string-encoding=utf16"
    ),
    "32 flags": types(b"\x6e" + vector(name(f"f{i}") for i in range(32))),
    "acronyms and digits in labels": types(b"\x6d" + vector(map(name, ("a1-2-B3", "X-y", "HTTP2-error")))),
    "an argument that nobody asked for": component(
        '(instance $i) (component $c) (instance (instantiate $c (with "x" (instance $i))))'
    ),
}


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_just_within_the_rules(content: bytes) -> None:
    parse(content)
