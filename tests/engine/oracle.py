"""wasmtime's own component API as the oracle: the same component and the same host functions, run by another engine.

    outcome = Oracle([interface]).run(content, state)

The interfaces are those that an Engine is given, and Python's side of values is the same (`runtime.engine.interface`). So a
test may compare how a guest ends, what its host functions have seen, and what has been dropped. A Wait is not known here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import wasmtime
from wasmtime import component as wit
from wasmtime.component import _types

from runtime.engine import Err, GuestExit, GuestTrap, HostInterface, Ok, Resource, WitError
from runtime.engine.features import configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

FUEL = 50_000_000
"""Of one run: some 10 ms. A guest that spins has used it up soon."""
_RUN = re.compile(r"wasi:cli/run@0\.2\.\d+")
_KEPT = 64
"""Components that are kept compiled."""


class Outcome(NamedTuple):
    """As `runtime.engine.Exit`."""

    reason: str
    """`exit`, `trap`, `out_of_fuel`, `fault` (a host function failed), or `refused` (the component did not load)."""
    code: int | None = None
    message: str = ""


class Oracle:
    """See the module's docstring. One may run any number of components, one after another."""

    def __init__(self, interfaces: Iterable[HostInterface]) -> None:
        self._engine = wasmtime.Engine(configuration(portable=False))
        self._interfaces = {interface.name: interface for interface in interfaces}
        self._components: dict[bytes, wit.Component] = {}

    def run(self, content: bytes, state: Any = None, fuel: int = FUEL) -> Outcome:
        """Instantiate, call `wasi:cli/run`, and say how it ended. What the guest held is dropped then."""
        try:
            component = self._load(content)
        except wasmtime.WasmtimeError as error:
            return Outcome("refused", message=str(error))
        # wasmtime-py would tell some variants' cases by the class of the payload; like this, each has its tag.
        with mock.patch.object(_types.VariantLikeType, "_tagged", return_value=True):
            return _Run(self._engine, self._interfaces, component, state, fuel).outcome()

    def _load(self, content: bytes) -> wit.Component:
        found = self._components.get(content)
        if found is None:
            while len(self._components) >= _KEPT:
                del self._components[next(iter(self._components))]
            found = self._components[content] = wit.Component(self._engine, content)
        return found


class _Run:
    """One guest."""

    def __init__(
        self,
        engine: wasmtime.Engine,
        interfaces: Mapping[str, HostInterface],
        component: wit.Component,
        state: Any,
        fuel: int,
    ) -> None:
        self._engine = engine
        self._interfaces = interfaces
        self._component = component
        self._state = state
        self._held: dict[int, Resource] = {}  # by representation
        self._given = 0
        self._ended: Outcome | None = None
        classes = dict.fromkeys(c for interface in interfaces.values() for c in interface.resources.values())
        self._numbers = {resource_class: number for number, resource_class in enumerate(classes, 1)}
        self._store = wasmtime.Store(engine)
        self._store.set_fuel(fuel)

    def outcome(self) -> Outcome:
        try:
            result = self._call()
        except wasmtime.WasmtimeError as error:
            text = str(error)
            ended = Outcome("out_of_fuel" if "all fuel consumed" in text else "trap", message=text)
            return self._ended or ended
        finally:
            for resource in self._held.values():
                resource.drop()
            self._held.clear()
        return self._ended or Outcome("exit", code=int(result.tag == "err"))

    def _call(self) -> Any:
        linker = wit.Linker(self._engine)
        with linker.root() as root:
            for name, extern in self._component.type.imports(self._engine).items():
                with root.add_instance(name) as instance:
                    self._define(instance, extern.ty, self._interfaces[name.partition("@")[0]])
        instance = linker.instantiate(self._store, self._component)
        name = next(filter(_RUN.fullmatch, self._component.type.exports(self._engine)))
        index = instance.get_export_index(self._store, "run", instance.get_export_index(self._store, name))
        assert index is not None
        function = instance.get_func(self._store, index)
        assert function is not None
        result = function(self._store)
        function.post_return(self._store)
        return result

    def _define(self, instance: wit.LinkerInstance, type_: Any, interface: HostInterface) -> None:
        for name, extern in type_.exports(self._engine).items():
            item = extern.ty
            if isinstance(item, wit.ResourceType):
                number = self._numbers[interface.resources[name]]
                instance.add_resource(name, wit.ResourceType.host(number), lambda _store, rep: self._drop(rep))
            elif isinstance(item, wit.FuncType):
                instance.add_func(name, self._function(interface.functions[name], item))

    def _function(self, function: Callable[..., Any], type_: wit.FuncType) -> Callable[..., Any]:
        types, result = [t for _, t in type_.params], type_.result

        def call(store: Any, *arguments: Any) -> Any:
            try:
                values = [self._lift(store, t, v) for t, v in zip(types, arguments, strict=True)]
                try:
                    value, failed = function(self._state, *values), False
                except WitError as error:
                    value, failed = error.value, True
                if result is None:
                    return None
                if isinstance(result, wit.ResultType):
                    value = Err(value) if failed else Ok(value)
                return self._lower(store, result, value)
            except GuestExit as error:
                self._ended = Outcome("exit", code=error.code)
            except (wasmtime.WasmtimeError, GuestTrap) as error:
                self._ended = Outcome("trap", message=str(error))
            except Exception as error:
                self._ended = Outcome("fault", message=repr(error))
            raise wasmtime.WasmtimeError("the host ends this guest")

        return call

    def _drop(self, rep: int) -> None:
        self._held.pop(rep).drop()

    def _lift(self, store: Any, t: Any, value: Any) -> Any:
        match t:
            case wit.OwnType():
                return self._held.pop(value.to_host(store).rep)
            case wit.BorrowType():
                return self._held[value.to_host(store).rep]
            case wit.ListType() if not isinstance(value, bytes):
                return [self._lift(store, t.element, item) for item in value]
            case wit.RecordType():
                return tuple(self._lift(store, inner, getattr(value, name)) for name, inner in t.fields)
            case wit.TupleType():
                return tuple(self._lift(store, inner, item) for inner, item in zip(t.elements, value, strict=True))
            case wit.FlagsType():
                return frozenset(value)
            case wit.OptionType() | wit.ResultType() | wit.VariantType():
                inner = _payload(t, value.tag)
                payload = None if inner is None else self._lift(store, inner, value.payload)
                return _python_side(t, value.tag, payload)
        return value

    def _lower(self, store: Any, t: Any, value: Any) -> Any:
        match t:
            case wit.OwnType():
                self._given += 1
                self._held[self._given] = value
                number = next(self._numbers[base] for base in type(value).__mro__ if base in self._numbers)
                return wit.ResourceHost.own(self._given, number).to_any(store)
            case wit.ListType():
                items = [self._lower(store, t.element, item) for item in value]
                return bytes(items) if isinstance(t.element, wit.U8) else items
            case wit.RecordType():
                record = wit.Record()
                for (name, inner), item in zip(t.fields, value, strict=True):
                    setattr(record, name, self._lower(store, inner, item))
                return record
            case wit.TupleType():
                return tuple(self._lower(store, inner, item) for inner, item in zip(t.elements, value, strict=True))
            case wit.FlagsType():
                return set(value)
            case wit.OptionType() | wit.ResultType() | wit.VariantType():
                tag, payload = _case(t, value)
                inner = _payload(t, tag)
                return wit.Variant(tag, None if inner is None else self._lower(store, inner, payload))
        return value


def _payload(t: Any, tag: str) -> Any:
    """The type of a case's payload."""
    match t:
        case wit.OptionType():
            return t.payload if tag == "some" else None
        case wit.ResultType():
            return t.ok if tag == "ok" else t.err
    return dict(t.cases)[tag]


def _python_side(t: Any, tag: str, payload: Any) -> Any:
    match t:
        case wit.OptionType():
            return payload
        case wit.ResultType():
            return Ok(payload) if tag == "ok" else Err(payload)
    return tag, payload


def _case(t: Any, value: Any) -> tuple[str, Any]:
    match t:
        case wit.OptionType():
            return ("none", None) if value is None else ("some", value)
        case wit.ResultType():
            return "ok" if isinstance(value, Ok) else "err", value.value
    return (value, None) if isinstance(value, str) else value
