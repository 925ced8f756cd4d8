"""A component, compiled and linked: what guests are started from.

Linking walks the component's own imports, so any 0.2.x version of an interface is satisfied by the one table of host
interfaces, and each imported function gets its converters here, once.
"""

from __future__ import annotations

import ctypes
import re
import weakref
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs
from wasmtime import component as wit

from runtime.engine import native, values
from runtime.engine.errors import UnsupportedComponentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wasmtime import Engine

    from runtime.engine.interface import HostFunction, HostInterface, Resource

_RUN: Final = re.compile(r"wasi:cli/run@0\.2\.\d+")
_SUPPORTED_VERSION: Final = re.compile(r"0\.2\.\d+")


@attrs.frozen(eq=False)
class Import:
    """One imported function of one component."""

    name: str
    """Interface and function, for messages: `wasi:io/poll#poll`."""
    function: HostFunction
    lifts: tuple[values.Lift, ...]
    lower: values.Lower | None
    """Of the result, or of the `ok` case where the result is a WIT result; None without a result."""
    lower_error: values.Lower | None
    """Of the `err` case; None where the result is not a WIT result."""


class Callbacks(NamedTuple):
    """Where a guest's calls enter Python (see `callbacks`)."""

    call: Any
    instant: Any
    drop: Any


class ResourceTypes:
    """The host's resource types: a number for each Python class that stands for a WIT resource."""

    def __init__(self) -> None:
        self._ids: dict[type[Resource], int] = {}
        self._by_class: dict[type[Resource], int] = {}

    def register(self, resource_class: type[Resource]) -> int:
        """The class's number, given at its first registration."""
        number = self._ids.setdefault(resource_class, len(self._ids) + 1)
        self._by_class[resource_class] = number
        return number

    def of(self, resource_class: type[Resource]) -> int:
        """The number of the class or of the nearest registered base."""
        number = self._by_class.get(resource_class)
        if number is None:
            number = next(self._ids[base] for base in resource_class.__mro__ if base in self._ids)
            self._by_class[resource_class] = number
        return number


class Program:
    """A linked component with its `wasi:cli/run` export.

    Raises UnsupportedComponentError when it imports what the host does not have, or has nothing to run.
    """

    def __init__(
        self,
        engine: Engine,
        component: wit.Component,
        interfaces: Mapping[str, HostInterface],
        resource_types: ResourceTypes,
        callbacks: Callbacks,
        digest: str,
    ) -> None:
        self.engine = engine
        self.digest = digest
        self.component = component
        self.resource_types = resource_types
        self.imports: list[Import] = []
        self._linker = wit.Linker(engine)
        self._link(interfaces, callbacks)
        self.linker_address = native.pointer(self._linker)
        self.component_address = native.pointer(component)
        self.run_index = self._find_run()

    def _link(self, interfaces: Mapping[str, HostInterface], callbacks: Callbacks) -> None:
        missing: list[str] = []
        with self._linker.root() as root:
            for name, extern in self.component.type.imports(self.engine).items():
                base, _, version = name.partition("@")
                interface = interfaces.get(base)
                if version.startswith("0.3."):
                    raise UnsupportedComponentError(
                        f"the component imports {name}: WASI 0.3 is not supported; build it for WASI 0.2 (wasip2)"
                    )
                if interface is None or not _SUPPORTED_VERSION.fullmatch(version):
                    missing.append(name)
                    continue
                item = extern.ty
                if not isinstance(item, wit.ComponentInstanceType):
                    missing.append(name)
                    continue
                with root.add_instance(name) as instance:
                    missing += self._link_instance(instance, item, interface, callbacks)
        if missing:
            raise UnsupportedComponentError(
                "the component imports what this runtime does not provide: " + ", ".join(sorted(missing))
            )

    def _link_instance(
        self,
        instance: wit.LinkerInstance,
        instance_type: wit.ComponentInstanceType,
        interface: HostInterface,
        callbacks: Callbacks,
    ) -> list[str]:
        missing: list[str] = []
        for name, extern in instance_type.exports(self.engine).items():
            item = extern.ty
            label = f"{interface.name}#{name}"
            if isinstance(item, wit.FuncType):
                function = interface.functions.get(name)
                if function is None:
                    missing.append(label)
                    continue
                callback = callbacks.instant if name in interface.instant else callbacks.call
                native.add_function(instance, name, callback, len(self.imports))
                self.imports.append(_compile_import(label, function, item))
            elif isinstance(item, wit.ResourceType):
                resource_class = interface.resources.get(name)
                if resource_class is None:
                    missing.append(label)
                    continue
                host_type = wit.ResourceType.host(self.resource_types.register(resource_class))
                native.add_resource(instance, name, host_type, callbacks.drop)
        return missing

    def _find_run(self) -> int:
        for name in self.component.type.exports(self.engine):
            if _RUN.fullmatch(name):
                instance = self._export_index(0, name)
                index = self._export_index(instance, "run")
                native.export_index_delete(instance)
                weakref.finalize(self, native.export_index_delete, index).atexit = False
                return index
        raise UnsupportedComponentError(
            "the component does not export wasi:cli/run@0.2: build it as a command (the wasi:cli/command world)"
        )

    def _export_index(self, parent: int, name: str) -> int:
        raw = name.encode()
        buffer = ctypes.create_string_buffer(raw)
        index: int | None = native.export_index(
            self.component_address, parent or None, ctypes.addressof(buffer), len(raw)
        )
        assert index is not None, name
        return index


def _compile_import(label: str, function: HostFunction, function_type: wit.FuncType) -> Import:
    lifts = tuple(values.compile_type(parameter)[0] for _, parameter in function_type.params)
    result = function_type.result
    lower = lower_error = None
    if isinstance(result, wit.ResultType):
        lower, lower_error = values.result_cases(result)
    elif result is not None:
        lower = values.compile_type(result)[1]
    return Import(label, function, lifts, lower, lower_error)
