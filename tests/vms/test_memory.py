"""The bound on the memory of all guests, what counts for it, and what is told of processes' memory."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

import pytest
from trio.testing import wait_all_tasks_blocked
from wasmtime import wat2wasm

from runtime.api.errors import ApiError, ErrorCode
from runtime.memory import MEMORY_SHARE, NO_BOUND, MemoryBound, machine_bytes, parse_size, private_bytes
from runtime.posix.host import make_engine
from runtime.store import open_store
from runtime.vms.catalogue import Catalogue
from runtime.vms.host import open_host

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.vms.process import AttachedProcess

MIB = 1024 * 1024
PAGE = 64 * 1024


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("512M", 512 * MIB),
        ("512m", 512 * MIB),
        (" 4G ", 4096 * MIB),
        ("4GB", 4096 * MIB),
        ("4GiB", 4096 * MIB),
        ("1.5k", 1536),
        ("1T", 1 << 40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "M", "-1", "1X", "4 G", "1e9", "0x10", "1.G", "nan", "inf", "75%", "9" * 400, "٣"]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size, such as 512M or 4G"):
        parse_size(text)


class Machine:
    """A /proc and a /sys/fs/cgroup of a machine with 8 GiB."""

    def __init__(self, directory: Path, membership: str | None) -> None:
        self.proc, self.cgroups = directory / "proc", directory / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        (self.proc / "meminfo").write_text("MemTotal:        8388608 kB\nMemFree:           1000 kB\n")
        if membership is not None:
            (self.proc / "self" / "cgroup").write_text(membership)

    def limit(self, path: str, text: str) -> None:
        file = self.cgroups / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")

    def bytes(self) -> int:
        return machine_bytes(self.proc, self.cgroups)


def test_the_memory_of_a_machine(tmp_path: Path) -> None:
    assert Machine(tmp_path / "a", None).bytes() == 8192 * MIB
    assert Machine(tmp_path / "b", "0::/user.slice/x.service\n").bytes() == 8192 * MIB, "the groups cannot be seen"


def test_control_groups_bound_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "0::/user.slice/torpor.service\n")
    machine.limit("user.slice/torpor.service/memory.max", "max")
    assert machine.bytes() == 8192 * MIB
    machine.limit("user.slice/memory.max", str(2048 * MIB))
    assert machine.bytes() == 2048 * MIB, "a group above"
    machine.limit("user.slice/torpor.service/memory.max", str(1024 * MIB))
    assert machine.bytes() == 1024 * MIB
    machine.limit("memory.max", str(512 * MIB))
    assert machine.bytes() == 512 * MIB, "a container's own"


def test_control_groups_of_the_first_kind_bound_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "5:devices:/d\n4:cpu,memory:/jobs/one\n0::/\n")
    machine.limit("memory/jobs/one/memory.limit_in_bytes", str(1024 * MIB))
    machine.limit("memory/memory.limit_in_bytes", "9223372036854771712")
    assert machine.bytes() == 1024 * MIB


def test_the_bound() -> None:
    assert MemoryBound.of(0) == NO_BOUND
    assert MemoryBound.of(MIB).limit == MIB
    assert MemoryBound.of(None).limit == int(machine_bytes() * MEMORY_SHARE)
    NO_BOUND.check()
    MemoryBound(10 * MIB, lambda: 10 * MIB).check()
    with pytest.raises(ApiError) as refused:
        MemoryBound(10_000_000, lambda: 20_000_000).check()
    assert refused.value.to_data() == {
        "code": "limit_exceeded",
        "retryable": False,
        "limit": "maxMemory",
        "memoryBytes": 20_000_000,
        "maxMemoryBytes": 10_000_000,
    }
    assert refused.value.message.startswith("the daemon and its guests have 20 MB of memory, and above 10 MB no other")


def test_what_counts_is_memory_that_is_touched() -> None:
    before = private_bytes()
    with mmap.mmap(-1, 64 * MIB, flags=mmap.MAP_PRIVATE) as block:
        assert private_bytes() - before < 32 * MIB
        for start in range(0, len(block), MIB):
            block[start : start + MIB] = bytes(MIB)
        assert private_bytes() - before > 60 * MIB
    assert private_bytes() - before < 32 * MIB


# Processes


def reader(pages: int, table: int = 0) -> bytes:
    """A program with this much memory and table that reads its stdin to the end."""
    text = f"""
    (component
      (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
      (alias export $error "error" (type $error-type))
      (import "wasi:io/streams@0.2.0" (instance $streams
        (export "input-stream" (type $input (sub resource)))
        (alias outer 1 $error-type (type $outer))
        (export "error" (type $e (eq $outer)))
        (type $stream-error (variant (case "last-operation-failed" (own $e)) (case "closed")))
        (export "stream-error" (type $se (eq $stream-error)))
        (export "[method]input-stream.blocking-skip"
          (func (param "self" (borrow $input)) (param "len" u64) (result (result u64 (error $se)))))))
      (alias export $streams "input-stream" (type $in))
      (import "wasi:cli/stdin@0.2.0" (instance $stdin
        (alias outer 1 $in (type $outer))
        (export "input-stream" (type $input (eq $outer)))
        (export "get-stdin" (func (result (own $input))))))
      (core module $libc (memory (export "memory") {pages}) (table {table} funcref))
      (core instance $libc (instantiate $libc))
      (core func $get (canon lower (func $stdin "get-stdin")))
      (core func $skip (canon lower (func $streams "[method]input-stream.blocking-skip") (memory (core memory $libc "memory"))))
      (core module $m
        (import "h" "memory" (memory 0))
        (import "h" "get" (func $get (result i32)))
        (import "h" "skip" (func $skip (param i32 i64 i32)))
        (func (export "run") (result i32) (local $in i32)
          (local.set $in (call $get))
          (loop $l
            (call $skip (local.get $in) (i64.const 100) (i32.const 8))
            (br_if $l (i32.eqz (i32.load8_u (i32.const 8)))))
          (i32.const 0)))
      (core instance $i (instantiate $m (with "h" (instance
        (export "memory" (memory $libc "memory")) (export "get" (func $get)) (export "skip" (func $skip))))))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $r (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $r)))
    """
    return bytes(wat2wasm(text))


async def test_processes_tell_their_memory_and_the_bound_refuses_more(tmp_path: Path) -> None:
    used = 0
    bound = MemoryBound(100, lambda: used)
    async with (
        open_store(tmp_path / "state.db") as store,
        open_host(store, make_engine(), Catalogue(tmp_path), bound) as host,
    ):
        await host.get_or_create("vm", {})
        vm = await host.vm("vm")
        vm.volume.filesystem.write_file("/bin/small", reader(2))
        vm.volume.filesystem.write_file("/bin/large", reader(10, 1000))

        async def start(program: str) -> AttachedProcess:
            process = await vm.spawn([program], {}, "/")
            assert process.memory_bytes == 0
            await wait_all_tasks_blocked()
            return process

        async def end(process: AttachedProcess) -> None:
            process.stdin.end()
            assert (await process.wait()).code == 0
            await wait_all_tasks_blocked()
            assert process.memory_bytes == 0

        small = await start("small")
        assert small.memory_bytes == small.peak_memory_bytes == 2 * PAGE
        large = await start("large")
        assert large.memory_bytes == 10 * PAGE + 16_000
        await end(large)
        assert large.peak_memory_bytes == 10 * PAGE + 16_000
        # Nobody has asked while both ran: the end of one has told.
        assert vm.processes.memory() == (2 * PAGE, 12 * PAGE + 16_000)
        stats = await host.queries.stats("vm")
        assert (stats["memoryBytes"], stats["peakMemoryBytes"]) == (2 * PAGE, 12 * PAGE + 16_000)

        used = 101
        with pytest.raises(ApiError) as refused:
            await vm.spawn(["small"], {}, "/")
        assert (refused.value.code, refused.value.data["limit"]) == (ErrorCode.LIMIT_EXCEEDED, "maxMemory")
        assert vm.processes.live() == (small,)
        assert small.memory_bytes == 2 * PAGE, "who runs is left alone"
        used = 100
        again = await start("small")
        assert vm.processes.memory()[0] == 4 * PAGE
        await end(again)
        await end(small)
        assert vm.processes.memory() == (0, 12 * PAGE + 16_000)
