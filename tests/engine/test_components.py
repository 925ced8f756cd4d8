"""What is refused before it runs, and what is kept compiled."""

from __future__ import annotations

import errno
import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from wasmtime import wat2wasm

from runtime.engine import (
    ArtefactCache,
    CacheDirectoryError,
    Engine,
    Exit,
    HostInterface,
    InvalidComponentError,
    Limits,
    UnsupportedComponentError,
)
from runtime.engine.artefacts import basis_of
from runtime.engine.recipe import Host
from tests.engine.wat import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def engine(cache: ArtefactCache | None = None) -> Engine:
    return Engine([HostInterface("test:host/calls")], cache)


REFUSED = [
    (bytes(wat2wasm("(module)")), InvalidComponentError, "core WebAssembly module"),
    (b"", InvalidComponentError, "not a WebAssembly component"),
    (b"#!/bin/sh\n", InvalidComponentError, "not a WebAssembly component"),
    (command("(i32.const 0)")[:-20], InvalidComponentError, "not a valid component"),
    (bytes(wat2wasm("(component)")), UnsupportedComponentError, "does not export wasi:cli/run"),
    (
        bytes(wat2wasm('(component (import "wasi:cli/stdin@0.3.0" (instance)))')),
        UnsupportedComponentError,
        "WASI 0.3 is not supported",
    ),
    (
        bytes(wat2wasm('(component (import "other:thing/api@1.0.0" (instance)))')),
        UnsupportedComponentError,
        "other:thing/api@1.0.0",
    ),
    (
        command("(i32.const 0)", functions={"unknown": "(result u32)"}),
        UnsupportedComponentError,
        "test:host/calls#unknown",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("content", "error", "message"), REFUSED, ids=[case[2] for case in REFUSED])
def test_refused_with_a_reason(content: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        engine().load_bytes(content)


async def test_a_second_engine_maps_what_the_first_has_compiled(tmp_path: Path) -> None:
    cache = ArtefactCache(tmp_path / "cache")
    content = command("(i32.const 0)")
    assert not engine(cache).is_cached(content)
    engine(cache).load_bytes(content)
    second = engine(ArtefactCache(tmp_path / "cache"))
    assert second.is_cached(content)
    guest = second.guest(second.load_bytes(content), None, Limits())
    assert await guest.run() == Exit("exit", code=0)


class Slow(ArtefactCache):
    """A cache whose lock is free only after another process has compiled what is wanted."""

    stored = 0

    @contextmanager
    def exclusive(self, name: str, *, large: bool) -> Iterator[None]:
        engine(ArtefactCache(self.directory)).load_bytes(command("(i32.const 0)"))
        with super().exclusive(name, large=large):
            yield

    def store(self, name: str, artefact: bytes | bytearray) -> None:
        self.stored += name.endswith(".recipe")
        super().store(name, artefact)


def test_what_another_process_was_compiling_is_not_compiled_again(tmp_path: Path) -> None:
    slow = Slow(tmp_path / "cache")
    engine(slow).load_bytes(command("(i32.const 0)"))
    assert slow.stored == 0
    engine(slow).load_bytes(command("(i32.const 1)"))
    assert slow.stored == 1


def is_held(cache: ArtefactCache, name: str) -> bool:
    """Whether somebody compiles what has this name."""
    path = cache.directory / f"{name}.lock"
    if not path.exists():
        return False
    with path.open() as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_only_one_process_compiles_a_component_and_only_one_a_large_one(tmp_path: Path) -> None:
    cache = ArtefactCache(tmp_path / "cache")
    with cache.exclusive("a", large=False):
        assert is_held(cache, "a")
        assert not is_held(cache, "large")
        with ArtefactCache(cache.directory).exclusive("b", large=True):  # nor has it removed the other's lock
            assert is_held(cache, "a")
            assert is_held(cache, "large")
    assert not list(cache.directory.glob("*.lock"))


def test_a_lock_that_its_holder_has_removed_is_made_anew(tmp_path: Path) -> None:
    cache = ArtefactCache(tmp_path / "cache")
    path = cache.directory / "a.lock"

    def wait() -> bool:
        with cache.exclusive("a", large=False):
            return is_held(cache, "a")

    with ThreadPoolExecutor() as pool:
        with path.open("w") as first:
            fcntl.flock(first, fcntl.LOCK_EX)
            second = pool.submit(wait)  # on whichever file it finds
            path.unlink()
        assert second.result()
    assert not path.exists()


def test_locks_of_processes_that_were_killed_are_removed(tmp_path: Path) -> None:
    cache = ArtefactCache(tmp_path / "cache")
    (cache.directory / "a.lock").touch()
    with cache.exclusive("b", large=False):
        ArtefactCache(cache.directory)
        assert [path.name for path in cache.directory.glob("*.lock")] == ["b.lock"]


def test_where_no_lock_can_be_had_it_compiles_all_the_same(tmp_path: Path) -> None:
    cache = ArtefactCache(tmp_path / "cache")
    (cache.directory / "lock").mkdir()
    engine(cache).load_bytes(command("(i32.const 0)"))
    assert engine(cache).is_cached(command("(i32.const 0)"))


@pytest.mark.parametrize("which", ["*.cwasm", "*.recipe", "code's digest", "recipe's digest"])
def test_a_changed_artefact_is_compiled_again_and_never_mapped(tmp_path: Path, which: str) -> None:
    cache = ArtefactCache(tmp_path / "cache")
    content = command("(i32.const 0)")
    engine(cache).load_bytes(content)
    suffix, _, digest = which.removeprefix("*").partition("'")
    file = next(cache.directory.glob({"code": "*.cwasm", "recipe": "*.recipe"}.get(suffix, which)))
    file = file.with_suffix(".digest") if digest else file
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file.write_bytes(damaged)
    assert not engine(cache).is_cached(content)
    engine(cache).load_bytes(content)
    assert engine(cache).is_cached(content)


def test_an_artefact_of_another_users_key_is_not_used(tmp_path: Path) -> None:
    cache = ArtefactCache(tmp_path / "cache")
    content = command("(i32.const 0)")
    engine(cache).load_bytes(content)
    (cache.directory / "key").write_bytes(bytes(32))
    assert not engine(ArtefactCache(tmp_path / "cache")).is_cached(content)


def test_a_directory_that_others_can_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o700)
    (tmp_path / "cache").chmod(0o770)
    with pytest.raises(CacheDirectoryError, match="0700"):
        ArtefactCache(tmp_path / "cache")


def test_a_linked_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "cache").symlink_to(tmp_path / "real")
    with pytest.raises(CacheDirectoryError):
        ArtefactCache(tmp_path / "cache")


async def test_a_file_that_was_replaced_is_loaded_anew(tmp_path: Path) -> None:
    path = tmp_path / "program.wasm"
    host = engine()
    path.write_bytes(command("(i32.const 0)"))
    first = await host.load(path)
    assert await host.load(path) is first
    path.write_bytes(command("(i32.const 1)"))
    second = await host.load(path)
    assert await host.guest(second, None, Limits()).run() == Exit("exit", code=1)


def test_the_cache_forgets_what_was_not_used_for_longest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ArtefactCache(tmp_path / "cache")
    monkeypatch.setattr("runtime.engine.cache.MAX_CACHE_BYTES", 250)
    for number, name in enumerate(("first", "second", "third")):
        cache.store(f"{name}.cwasm", bytes(100))
        os.utime(cache.directory / f"{name}.cwasm", ns=(number, number))
        if name == "second":
            descriptor = cache.open("first.cwasm")
            assert descriptor is not None
            os.close(descriptor)
    assert cache.open("second.cwasm") is None
    for name in ("first", "third"):
        descriptor = cache.open(f"{name}.cwasm")
        assert descriptor is not None
        os.close(descriptor)
    assert len(list(cache.directory.iterdir())) == 5  # two pairs and the key


def test_a_full_disk_costs_the_artefact_and_not_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_self: ArtefactCache, _key: str, _artefact: bytes) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(ArtefactCache, "store", full)
    engine(ArtefactCache(tmp_path / "cache")).load_bytes(command("(i32.const 0)"))
    assert "could not be kept" in caplog.text


def test_programs_are_forgotten_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.engine.engine.MAX_PROGRAMS", 2)
    host = engine()
    contents = [command(f"(i32.const {number})") for number in (0, 1, 2)]
    first, second = host.load_bytes(contents[0]), host.load_bytes(contents[1])
    assert host.load_bytes(contents[0]) is first
    host.load_bytes(contents[2])
    assert host.load_bytes(contents[0]) is first
    assert host.load_bytes(contents[1]) is not second


def test_programs_of_many_modules_count_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    host = engine()
    contents = [command(f"(i32.const {number})") for number in (0, 1, 2)]
    first = host.load_bytes(contents[0])
    monkeypatch.setattr("runtime.engine.engine.MAX_MODULES", 2 * len(first.places))
    second, third = host.load_bytes(contents[1]), host.load_bytes(contents[2])
    assert host.known(first.digest) is None
    assert (host.known(second.digest), host.known(third.digest)) == (second, third)
    monkeypatch.setattr("runtime.engine.engine.MAX_MODULES", 0)
    assert host.load_bytes(contents[0]) is host.load_bytes(contents[0]), "the newest stays, however large it is"


def test_artefacts_are_named_by_the_version_that_is_installed() -> None:
    assert basis_of(Host({}, {})).code.startswith(f"{version('wasmtime')}|")
