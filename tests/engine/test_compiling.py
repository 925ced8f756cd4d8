"""Components that are compiled in a process of their own: who waits, in which order, within which bounds; what is left."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked
from wasmtime import wat2wasm

from runtime.engine import ArtefactCache, Engine, Exit, HostInterface, InvalidComponentError, Limits, Share
from runtime.engine import order as orders
from runtime.engine.workshop import Workshop, _command
from runtime.executable import COMPILER
from tests.engine.test_components import REFUSED
from tests.engine.wat import command
from tests.patience import WAIT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = command("(i32.const 0)")
LARGE_BYTES = 320 * 1024


def padded(size: int) -> bytes:
    """The component with a section for nobody, of more than so many bytes."""
    return CONTENT + b"\0" + leb128(size + 2) + b"\x01x" + bytes(size)


def leb128(number: int) -> bytes:
    """As in the binary format: seven bits a byte."""
    rest = number >> 7
    return bytes([number & 0x7F | 0x80]) + leb128(rest) if rest else bytes([number])


LARGE = padded(LARGE_BYTES)


@pytest.fixture
def cache(tmp_path: Path) -> ArtefactCache:
    return ArtefactCache(tmp_path / "cache")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The compilers' processes that are started."""
    processes = []
    popen = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        assert set(options["env"]) == {"RAYON_NUM_THREADS"}, "of secrets it knows nothing"
        processes.append(popen(*arguments, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return processes


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The orders that are given, by their descriptors."""
    seen: list[int] = []
    order = Workshop.order

    def counted(self: Workshop, descriptor: int) -> Any:
        seen.append(descriptor)
        return order(self, descriptor)

    monkeypatch.setattr(Workshop, "order", counted)
    return seen


def engine(cache: ArtefactCache) -> Engine:
    return Engine([HostInterface("test:host/calls")], cache)


@contextmanager
def compiling_elsewhere(cache: ArtefactCache, name: str) -> Iterator[None]:
    """Another process that compiles what has this name: our own wait for it, with the common lock in their hands."""
    with (cache.directory / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def compiles(cache: ArtefactCache) -> bool:
    """Whether any process is at work on this cache."""
    with (cache.directory / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


async def until(cache: ArtefactCache, *, compiling: bool) -> None:
    """There is no event for "a lock was taken": look again soon."""
    while compiles(cache) is not compiling:  # noqa: ASYNC110 - other processes have no trio.Event
        await trio.sleep(0.005)


async def test_it_is_compiled_elsewhere_and_runs_here(
    cache: ArtefactCache, started: list[subprocess.Popen[bytes]]
) -> None:
    host = engine(cache)
    told: list[int] = []
    assert await host.guest(await host.load_content(CONTENT, told.append), None, Limits()).run() == Exit("exit", code=0)
    await host.load_content(command("(i32.const 1)"), told.append)
    assert told == [len(CONTENT)] * 2
    assert len(started) == 1, "one process is enough for all"
    assert host.is_cached(CONTENT)
    assert not list(cache.directory.glob("*.lock"))


@pytest.mark.slow
@pytest.mark.parametrize(("content", "error", "message"), REFUSED, ids=[case[2] for case in REFUSED])
async def test_refused_as_in_this_process(
    cache: ArtefactCache, content: bytes, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as refused:
        await engine(cache).load_content(content)
    with pytest.raises(error) as here:
        engine(cache).load_bytes(content)
    assert str(refused.value) == str(here.value)


async def test_who_gives_up_is_let_go_and_what_nobody_waits_for_is_given_up(cache: ArtefactCache) -> None:
    host = engine(cache)
    with trio.fail_after(WAIT), compiling_elsewhere(cache, digest(CONTENT)):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(host.load_content, CONTENT)
            await until(cache, compiling=True)
            nursery.cancel_scope.cancel()
        await until(cache, compiling=False)
    assert not host.is_cached(CONTENT)
    await host.load_content(CONTENT)
    assert host.is_cached(CONTENT)


@pytest.mark.slow
async def test_several_who_wait_share_it_and_it_outlives_whoever_came_first(
    cache: ArtefactCache, given: list[int]
) -> None:
    host = engine(cache)
    first = trio.CancelScope()

    async def give_up() -> None:
        with first:
            await host.load_content(CONTENT)

    with trio.fail_after(WAIT):
        async with trio.open_nursery() as nursery:
            with compiling_elsewhere(cache, digest(CONTENT)):
                nursery.start_soon(give_up)
                await until(cache, compiling=True)
                nursery.start_soon(host.load_content, CONTENT)
                nursery.start_soon(host.load_content, CONTENT)
                while host._compiling._jobs[digest(CONTENT)].waiting < 3:
                    await wait_all_tasks_blocked()
                first.cancel()
                while host._compiling._jobs[digest(CONTENT)].waiting > 2:
                    await wait_all_tasks_blocked()
                assert compiles(cache)
    assert first.cancelled_caught
    assert len(given) == 1
    assert host.is_cached(CONTENT)
    assert host._compiling._jobs == {}


async def test_a_small_one_does_not_wait_for_a_large_one(cache: ArtefactCache) -> None:
    host = engine(cache)
    with trio.fail_after(WAIT):
        async with trio.open_nursery() as nursery:
            with compiling_elsewhere(cache, "large"):
                nursery.start_soon(host.load_content, LARGE)
                await until(cache, compiling=True)
                await host.load_content(CONTENT)
                assert not host.is_cached(LARGE)
    assert host.is_cached(LARGE)


async def until_waiting(host: Engine, count: int) -> None:
    while sum(job.waiting for job in host._compiling._jobs.values()) < count:
        await wait_all_tasks_blocked()


async def compiled(
    cache: ArtefactCache, first: bytes, others: list[bytes], last: bytes, monkeypatch: pytest.MonkeyPatch
) -> list[bytes]:
    """The order in which components are compiled: one, while which others of the same VM come, and one of another VM."""
    monkeypatch.setattr("runtime.engine.compiling.SMALL_AT_ONCE", 1)
    host = engine(cache)
    order: list[bytes] = []
    crowd, other = Share(), Share()

    async def load(content: bytes, share: Share) -> None:
        await host.load_content(content, None, share)
        order.append(content)

    with trio.fail_after(WAIT):
        async with trio.open_nursery() as nursery:
            with compiling_elsewhere(cache, digest(first)):
                nursery.start_soon(load, first, crowd)
                await until(cache, compiling=True)
                for content in others:
                    nursery.start_soon(load, content, crowd)
                await until_waiting(host, 1 + len(others))
                nursery.start_soon(load, last, other)
                await until_waiting(host, 2 + len(others))
    return order


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, LARGE_BYTES], ids=["small", "large"])
async def test_one_of_a_vm_does_not_wait_for_all_of_another(
    cache: ArtefactCache, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the smallest of a VM goes first."""
    first, *others, last = (padded(size + number) for number in range(7))
    order = await compiled(cache, first, others[::-1], last, monkeypatch)
    assert order[0] == first
    assert last in order[1:3]
    assert [content for content in order if content in others] == others


@pytest.mark.slow
async def test_who_wants_what_another_vm_waits_for_waits_in_its_own_place(
    cache: ArtefactCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others, last = (padded(number) for number in range(6))
    order = await compiled(cache, first, [*others, last], last, monkeypatch)
    assert last in order[1:3]


@pytest.mark.slow
async def test_what_ends_is_started_again(cache: ArtefactCache, started: list[subprocess.Popen[bytes]]) -> None:
    host = engine(cache)
    with trio.fail_after(WAIT):
        await host.load_content(CONTENT)
        started[0].kill()
        started[0].wait()
        await host.load_content(command("(i32.const 1)"))
        content = command("(i32.const 2)")
        async with trio.open_nursery() as nursery:
            with compiling_elsewhere(cache, digest(content)):
                nursery.start_soon(host.load_content, content)
                await until(cache, compiling=True)
                started[1].kill()
                await trio.to_thread.run_sync(started[1].wait)
    assert host.is_cached(content)
    assert len(started) == 3


@pytest.mark.slow
async def test_what_the_kernel_kills_was_short_of_memory_and_not_invalid(
    cache: ArtefactCache, started: list[subprocess.Popen[bytes]]
) -> None:
    host = engine(cache)
    failed: list[OSError] = []

    async def load() -> None:
        with pytest.raises(OSError, match="Cannot allocate memory") as failure:
            await host.load_content(CONTENT)
        failed.append(failure.value)

    with trio.fail_after(WAIT):
        async with trio.open_nursery() as nursery:
            with compiling_elsewhere(cache, digest(CONTENT)):
                nursery.start_soon(load)
                await until(cache, compiling=True)
                pid = started[0].pid
                children = await trio.Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
                os.kill(int(children), signal.SIGKILL)
                while not failed:
                    await wait_all_tasks_blocked()
    assert failed[0].errno == errno.ENOMEM
    await host.load_content(CONTENT)
    assert len(started) == 1


def test_an_answer_says_what_the_machine_lacks() -> None:
    answer = orders.CompilerAnswer.unpack(orders.CompilerAnswer("machine", str(errno.EAGAIN)).pack())
    with pytest.raises(BlockingIOError) as failure:
        answer.check()
    assert failure.value.errno == errno.EAGAIN


@pytest.mark.slow
def test_nothing_outlives_a_process_that_is_killed(cache: ArtefactCache, tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(CONTENT)
    program = f"""
import trio
from pathlib import Path
from runtime.engine import ArtefactCache, Engine, HostInterface
engine = Engine([HostInterface("test:host/calls")], ArtefactCache(Path({str(cache.directory)!r})))
trio.run(engine.load, Path({str(tmp_path / "content")!r}))
"""

    async def follow() -> None:
        with trio.fail_after(WAIT):
            await until(cache, compiling=True)
            process.kill()
            await until(cache, compiling=False)

    with (
        compiling_elsewhere(cache, digest(CONTENT)),
        subprocess.Popen([sys.executable, "-c", program]) as process,
    ):
        trio.run(follow)
        assert process.wait() == -signal.SIGKILL


def heavy(functions: int = 4000) -> bytes:
    """A component of 1.7 MB that takes several seconds of CPU and hundreds of megabytes."""
    body = "(local.get 0)" + "(i32.const 1) (i32.add) (local.get 0) (i32.mul) (local.get 0) (i32.xor)" * 50
    many = f"(func (param i32) (result i32) {body})" * functions
    return bytes(
        wat2wasm(f"""
        (component
          (core module $m {many} (func (export "run") (result i32) (i32.const 0)))
          (core instance $i (instantiate $m))
          (func $run (result (result)) (canon lift (core func $i "run")))
          (instance $r (export "run" (func $run)))
          (export "wasi:cli/run@0.2.0" (instance $r)))
        """)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (orders.Bounds(2**32, 1, WAIT), "more than 1 s of CPU time"),
        (orders.Bounds(2**32, 60, 0.01), "more than 0.01 s"),
        (orders.Bounds(64 * 2**20, 60, WAIT), "more than 64 MiB of memory"),
        (orders.Bounds(2**20, 60, WAIT), "more than 1 MiB of memory"),
    ],
)
async def test_what_takes_too_much_is_refused(
    cache: ArtefactCache, monkeypatch: pytest.MonkeyPatch, bounds: orders.Bounds, message: str
) -> None:
    host = engine(cache)
    with monkeypatch.context() as patch:
        patch.setattr("runtime.engine.engine.bounds_for", lambda _size: bounds)
        with pytest.raises(InvalidComponentError, match=f"compiling it took {message}"):
            await host.load_content(heavy())
    await host.load_content(CONTENT)


@pytest.mark.slow
async def test_what_the_cache_will_not_keep_runs_all_the_same(cache: ArtefactCache) -> None:
    engine(cache).load_bytes(CONTENT)
    for name in engine(cache).artefact_names(CONTENT):
        (cache.directory / name).unlink(missing_ok=True)
        (cache.directory / name / "in the way").mkdir(parents=True, exist_ok=True)
    host = engine(cache)
    program = await host.load_content(CONTENT)
    assert await host.guest(program, None, Limits()).run() == Exit("exit", code=0)
    assert not host.is_cached(CONTENT)


async def test_a_process_that_cannot_be_started_is_an_error(
    cache: ArtefactCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "try again")

    host = engine(cache)
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", fail)
        with pytest.raises(OSError, match="try again"):
            await host.load_content(CONTENT)
    await host.load_content(CONTENT)


def test_what_a_killed_process_has_half_stored_is_removed_at_the_next_opening(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    engine(ArtefactCache(directory)).load_bytes(CONTENT)
    whole = {path.name for path in directory.iterdir()}
    left = [
        directory / f".{name}.0123456789abcdef" for name in whole if name.endswith((".cwasm", ".recipe", ".digest"))
    ]
    for path in left:
        path.write_bytes(b"half")
    with (directory / "lock").open() as other:  # another process may be about to rename them
        fcntl.flock(other, fcntl.LOCK_EX)
        ArtefactCache(directory)
        assert all(path.exists() for path in left)
    cache = ArtefactCache(directory)
    assert {path.name for path in directory.iterdir()} == whole
    assert engine(cache).is_cached(CONTENT)


def test_the_single_executable_is_its_own_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert _command(3) == [sys.executable, COMPILER, "3"]
