"""The executable where there is nothing but a C library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmtime import wat2wasm

from runtime.doctor.machine import TINY
from tests.dist.conftest import LIBC_PLACE, LINKER

if TYPE_CHECKING:
    from tests.dist.conftest import CleanRoot


def test_an_agent_runs_end_to_end(clean_root: CleanRoot) -> None:
    done = clean_root.run("--version", "run echo hi", "agents --json", "stop")
    assert done.stdout.startswith("torpor ")
    assert "\necho: hi\n" in done.stdout
    assert '"pi"' in done.stdout


def test_no_start_compiles(clean_root: CleanRoot) -> None:
    clean_root.run("run echo hi")
    assert not list((clean_root.path / "cache/torpor/components").glob("*.cwasm"))
    assert len(list((clean_root.unpacked / "_internal/components").glob("*.cwasm"))) >= 2


def test_it_compiles_other_components_itself(clean_root: CleanRoot) -> None:
    (clean_root.path / "tiny.wasm").write_bytes(wat2wasm(TINY))
    assert "/tiny.wasm: compiled in " in clean_root.run("compile /tiny.wasm").stdout
    assert clean_root.run("compile /tiny.wasm").stdout == "/tiny.wasm: is compiled already\n"


def test_licences_are_printed(clean_root: CleanRoot) -> None:
    text = clean_root.run("licenses").stdout
    for name in ("CPython", "wasmtime", "openssl", "SpiderMonkey", "pi-agent-core", "musl", "zstd"):
        assert name in text
    assert "PYTHON SOFTWARE FOUNDATION LICENSE" in text


def test_nothing_is_said_while_it_unpacks_without_a_terminal(clean_root: CleanRoot) -> None:
    assert clean_root.run("--version").stderr == ""


def test_a_home_that_cannot_be_written_is_no_obstacle_where_a_cache_can(clean_root: CleanRoot) -> None:
    done = clean_root.run("run echo hi --state /tmp/state/torpor.db", mount="ro", at="/home/user")
    assert "echo: hi\n" in done.stdout


def test_a_cache_that_cannot_be_written_is_named(clean_root: CleanRoot) -> None:
    done = clean_root.run("--version", mount="ro,mode=0700", check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "torpor: cannot create /cache/torpor: Read-only file system; name a folder in TORPOR_UNPACK (or XDG_CACHE_HOME) "
        "that you can write to\n"
    )


def test_a_cache_without_execution_is_named(clean_root: CleanRoot) -> None:
    done = clean_root.run("--version", mount="noexec", check=False)
    assert done.returncode == 1
    assert "/cache/torpor/runtime is on a file system that is mounted noexec" in done.stderr
    assert "TORPOR_UNPACK" in done.stderr


def test_a_full_disk_is_found_before_it_is_full(clean_root: CleanRoot) -> None:
    done = clean_root.run("--version", mount="size=20m", check=False)
    assert done.returncode == 1
    assert "the disk of /cache/torpor/runtime has only 20 MB free" in done.stderr


def test_a_libc_that_is_too_old_is_named(clean_root: CleanRoot) -> None:
    (clean_root.path / LIBC_PLACE / "libc.so.6").write_bytes(b"\x7fELF\0GLIBC_2.2.5\0GLIBC_2.17\0")
    done = clean_root.run("--version", check=False)
    assert done.returncode == 1
    assert "this system's glibc is 2.17, and torpor needs 2." in done.stderr


def test_a_system_without_glibc_is_told_so(clean_root: CleanRoot) -> None:
    (clean_root.path / LINKER).unlink()
    done = clean_root.run("--version", check=False)
    assert done.returncode == 1
    assert "this system has no glibc" in done.stderr
