"""How much a component may ask of the compiler, and what is kept of what comes back."""

from __future__ import annotations

import errno
import logging
import os
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import trio

from runtime.engine import ArtefactCache, Engine, HostInterface, InvalidComponentError, Share
from runtime.engine.compiling import ATTEMPTS, LOGGED_BYTES
from runtime.engine.engine import MAX_COMPONENT_BYTES
from runtime.engine.order import MAX_ANSWER_BYTES, MAX_TEXT, Bounds, CompilerAnswer, bounds_for
from runtime.engine.program import HostCalls
from runtime.engine.workbench import _account, _Fork
from runtime.engine.workshop import Workshop
from tests.engine.test_compiling import padded
from tests.patience import WAIT

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024


def engine(tmp_path: Path) -> Engine:
    return Engine([HostInterface("test:host/calls")], ArtefactCache(tmp_path / "cache"))


async def test_a_component_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is larger is not even read."""
    large = tmp_path / "large.wasm"
    large.touch()
    os.truncate(large, MAX_COMPONENT_BYTES + 1)
    host = engine(tmp_path)
    with pytest.raises(InvalidComponentError, match="the component is larger than 256 MiB"):
        await host.load(large)
    monkeypatch.setattr("runtime.engine.engine.MAX_COMPONENT_BYTES", MIB)
    for content in (bytes(MIB), bytes(MIB + 1)):
        with pytest.raises(InvalidComponentError) as refused:
            await host.load_content(content)
        assert ("larger than 1 MiB" in str(refused.value)) is (len(content) > MIB)


async def test_a_compiler_that_always_ends_is_given_up_and_large_ones_are_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    given: list[int] = []

    def order(_self: Workshop, descriptor: int) -> socket.socket:
        given.append(descriptor)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.close()
        return ours

    monkeypatch.setattr(Workshop, "order", order)
    caplog.set_level(logging.INFO, "runtime.engine.compiling")
    host = engine(tmp_path)
    for size, lines in ((LOGGED_BYTES // 2, 0), (LOGGED_BYTES, 1)):
        with trio.fail_after(WAIT), pytest.raises(InvalidComponentError, match="the compiler's process has ended"):
            await host.load_content(padded(size))
        assert caplog.text.count("compiling a component of 1.0 MB") == lines
    assert len(given) == 2 * ATTEMPTS == 6


@pytest.mark.parametrize("letter", ["x", "\N{GRINNING FACE}", "\0"])
def test_the_longest_answer_is_one_message(letter: str) -> None:
    """Whatever a component has put into its names."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.send(CompilerAnswer("invalid", letter * 1_000_000).pack())
        answer = CompilerAnswer.unpack(ours.recv(MAX_ANSWER_BYTES))
    assert answer == CompilerAnswer("invalid", letter * MAX_TEXT)


def test_what_compiling_may_take_grows_with_the_component_up_to_a_bound() -> None:
    assert bounds_for(1000) == Bounds(3 * 1024**3, 30, 120)
    assert bounds_for(28 * MIB) == Bounds(3 * 1024**3, 310, 1240)
    assert bounds_for(MAX_COMPONENT_BYTES) == Bounds(3 * 1024**3, 600, 2400)


def test_of_what_a_compiler_says_in_the_end_a_part_is_looked_at() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    said = os.memfd_create("stderr")
    os.write(said, b"x" * MIB)
    with ours, theirs:
        text = _account(1, _Fork(0, 0, said, ours, Bounds(1, 1, 1))).text
    os.close(said)
    assert text == f"the compiler failed with it (code 1): {'x' * 4096}"


def test_a_module_is_compiled_on_so_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, str]] = []

    def start(*_: Any, env: dict[str, str], **__: Any) -> None:
        started.append(env)
        raise OSError(errno.EAGAIN, "try again")

    monkeypatch.setattr(subprocess, "Popen", start)
    for processors, threads in ((2, 2), (64, 8)):
        monkeypatch.setattr(os, "cpu_count", lambda count=processors: count)
        with pytest.raises(OSError, match="try again"):
            Workshop().order(0)
        assert started[-1] == {"RAYON_NUM_THREADS": str(threads)}


async def test_work_that_blocks_has_so_many_threads_of_a_vm() -> None:
    """What never answers holds up no other VM."""
    crowd, other = Share(), Share()
    for _ in range(4):
        crowd.threads.acquire_on_behalf_of_nowait(object())
    with pytest.raises(trio.WouldBlock):
        crowd.threads.acquire_nowait()
    assert await trio.to_thread.run_sync(lambda: 5, limiter=other.threads) == 5


def test_core_types_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.engine.program.MAX_CORE_TYPES", 2)
    calls = HostCalls({})

    def is_remembered(*params: str) -> bool:
        return calls.core_type(params, ()) is calls.core_type(params, ())

    assert [is_remembered(*["i32"] * count) for count in range(4)] == [True, True, False, False]
    assert is_remembered()
