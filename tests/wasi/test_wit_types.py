"""The table of WASI's types is what the WIT says, and the host has nothing that is not in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from wasmtime import wat2wasm

from runtime.engine.component.comparison import differences
from runtime.engine.component.parser import parse
from runtime.engine.component.types import FuncType
from runtime.posix import host
from runtime.wasi.wit_types import WASI
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.engine import HostInterface
    from runtime.engine.component.types import InterfaceType

ROOT = Path(__file__).resolve().parents[2]
NO_COMPONENTS = {"core_module", "truncated"}


@pytest.fixture
def interfaces(monkeypatch: pytest.MonkeyPatch) -> list[HostInterface]:
    """What `make_engine` gives to the engine."""
    given: list[HostInterface] = []

    def engine(interfaces: Iterable[HostInterface], *_arguments: object, **_options: object) -> None:
        given.extend(interfaces)

    monkeypatch.setattr(host, "Engine", engine)
    host.make_engine()
    assert given
    return given


def test_the_table_is_current() -> None:
    command = [sys.executable, ROOT / "build" / "wasi_types.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
    assert done.returncode == 0, done.stderr


def test_all_that_the_host_has_is_wasis(interfaces: list[HostInterface]) -> None:
    """What the table does not have would be linked as the component says, uncompared."""
    assert [interface.name for interface in interfaces if interface.name not in WASI] == []
    for interface in interfaces:
        known = WASI[interface.name]
        assert set(interface.functions) <= set(known.functions), interface.name
        # Each interface of sockets gets the resources of all; no function that is compared can have one of another's.
        if not interface.name.startswith("wasi:sockets/"):
            assert set(interface.resources) <= set(known.resources), interface.name


def test_names_of_one_resource_are_one_class(interfaces: list[HostInterface]) -> None:
    """`headers` and `trailers` are `fields`, and `use` brings a resource into another interface under its own name."""
    classes: dict[object, set[type]] = {}
    for interface in interfaces:
        for name, resource_class in interface.resources.items():
            if name in WASI[interface.name].resources:
                classes.setdefault(WASI[interface.name].resources[name], set()).add(resource_class)
    assert [resource for resource, found in classes.items() if len(found) != 1] == []


def test_each_form_of_type_is_as_the_engine_has_it() -> None:
    streams, files, requests = (WASI[f"wasi:{name}"] for name in ("io/streams", "filesystem/types", "http/types"))
    stream, error = "wasi:io/streams#input-stream", ("own", "wasi:io/error#error")
    assert streams.types["stream-error"] == ("variant", (("last-operation-failed", error), ("closed", None)))
    assert streams.functions["[method]input-stream.read"] == FuncType(
        (("self", ("borrow", stream)), ("len", "u64")), ("result", ("list", "u8"), streams.types["stream-error"])
    )
    assert WASI["wasi:io/poll"].functions["[method]pollable.block"].result is None
    assert files.resources["input-stream"] == stream
    assert files.types["filesize"] == "u64"
    assert files.types["datetime"] == ("record", (("seconds", "u64"), ("nanoseconds", "u32")))
    assert files.types["path-flags"] == ("flags", ("symlink-follow",))
    assert files.types["error-code"][:1] == ("enum",)
    assert requests.resources["headers"] == requests.resources["trailers"] == "wasi:http/types#fields"
    assert requests.functions["[constructor]fields"] == FuncType((), ("own", "wasi:http/types#fields"))
    assert requests.functions["[static]response-outparam.set"].params[0] == (
        "param",
        ("own", "wasi:http/types#response-outparam"),
    )
    assert WASI["wasi:sockets/network"].types["ipv4-address"] == ("tuple", ("u8",) * 4)
    assert WASI["wasi:cli/environment"].functions["initial-cwd"].result == ("option", "string")


def components() -> list[Path]:
    """All that is built in the tree: agents, their examples, and the programs of the tests."""
    folders = (ROOT / "agents" / "dist", ROOT / "agents" / "examples" / "dist", ROOT / "tests" / "guests" / "dist")
    return [path for folder in folders for path in sorted(folder.glob("*.wasm")) if path.stem not in NO_COMPONENTS]


def test_every_component_of_the_tree_says_what_wasi_says() -> None:
    paths = components()
    assert {"echo", "hello-py", "sockets"} <= {path.stem for path in paths}, "run `make guests`"
    for path in paths:
        assert differences(parse(path.read_bytes()).imports, WASI) == [], path


@pytest.mark.parametrize("version", ["0.2.0", "0.2.6", "0.2.12"])
def test_a_size_that_is_a_float_is_refused_by_name(version: str) -> None:
    """What a host function makes of it must not matter: it is never called."""
    codes = " ".join(f'"{name}"' for name in WASI["wasi:filesystem/types"].types["error-code"][1])

    def imports(size: str) -> dict[str, InterfaceType]:
        text = f"""
        (component
          (import "wasi:filesystem/types@{version}" (instance
            (export "descriptor" (type $descriptor (sub resource)))
            (type $codes (enum {codes}))
            (export "error-code" (type $error-code (eq $codes)))
            (export "[method]descriptor.set-size" (func
              (param "self" (borrow $descriptor)) (param "size" {size}) (result (result (error $error-code))))))))
        """
        return parse(bytes(wat2wasm(text))).imports

    assert differences(imports("u64"), WASI) == []
    assert differences(imports("f64"), WASI) == [
        "wasi:filesystem/types#[method]descriptor.set-size: parameter size is f64, WASI says u64"
    ]
