"""How the functions of torpor:posix/sys are written: for a process, with answers that may be errors, waits and both.

    @call("dup2")
    def dup2(process, memory, fd, to, how): ...

Addresses and sizes are numbers of the guest's choice. They become bytes by `read_bytes`, `write_bytes`, and the `Context`
itself: beyond the memory's end they end the guest.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.engine import GuestExit, HostInterface, Wait
from runtime.patience import patiently
from runtime.posix.descriptions import How
from runtime.posix.errnos import OF_FILES, Errno, PosixError
from runtime.posix.waiting import until
from runtime.wasi.filesystem.sync import save_tree
from wasi_fs import DIRTY_LIMIT, FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess
    from runtime.posix.state import PosixState

sys: Final = HostInterface("torpor:posix/sys", version=r"0\.1\.\d+", raw=True)


def call(name: str, *, changes: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function, called as `f(process, memory, *numbers)`, that answers with a number or a `Wait` for one.

    It may raise PosixError and FsError; where what it needs of the tree is not in memory it is called again. One that `changes`
    the tree waits while too much is unsaved. What a `Wait` waits for has to pass a checkpoint before it answers, if it does not
    fail.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def answer(state: PosixState, memory: Context, *numbers: int) -> Any:
            process = state.process
            if process.memory is not memory:
                process.attach(memory)
            if process.is_stopped or (changes and process.kernel.filesystem.unsaved_bytes >= DIRTY_LIMIT):
                return Wait(_later, function, changes, process, memory, *numbers)
            try:
                value = function(process, memory, *numbers)
            except PosixError as error:
                return -error.errno
            except FsError as error:
                if error.code is FsCode.WOULD_BLOCK:
                    return Wait(_later, function, changes, process, memory, *numbers)
                return -OF_FILES[error.code]
            return Wait(_finish, process, value) if value.__class__ is Wait else value

        sys.function(name)(answer)
        return function

    return register


async def _later(
    function: Callable[..., Any], changes: bool, process: PosixProcess, memory: Context, *numbers: int
) -> int:
    """The call, once the process goes on, there is room for changes, and what it needs is in memory."""

    async def attempt() -> int:
        assert process.state is not None
        await going_on(process)
        if changes and process.kernel.filesystem.unsaved_bytes >= DIRTY_LIMIT:
            await save_tree(process.state)
        value: Any = await patiently(functools.partial(function, process, memory, *numbers))
        answer: int = await value.function(*value.arguments) if value.__class__ is Wait else value
        return answer

    return await _finish(process, Wait(attempt))


async def _finish(process: PosixProcess, wait: Wait) -> int:
    """The wait's answer as the program gets it."""
    try:
        answer: int = await wait.function(*wait.arguments)
    except PosixError as error:
        answer = -error.errno
    except FsError as error:
        answer = -OF_FILES[error.code]
    if answer < 0 or process.is_stopped:
        await going_on(process)
    return answer


async def going_on(process: PosixProcess) -> None:
    """Return when the process is not stopped; always a checkpoint."""
    while process.is_stopped:
        event = trio.Event()
        process.news.waiters.add(event)
        try:
            await event.wait()
        finally:
            process.news.waiters.discard(event)
    await trio.lowlevel.checkpoint()


def waiting(process: PosixProcess, sources: Any, attempt: Callable[[], int | None], flags: int = 0) -> int | Wait:
    """What `attempt` answers, now or when it has an answer. PosixError EAGAIN with `How.NO_WAIT` among the flags, EINTR."""
    answer = attempt()
    if answer is not None:
        return answer
    if flags & How.NO_WAIT:
        raise PosixError(Errno.EAGAIN)
    return Wait(until, process, sources, attempt)


def read_bytes(memory: Context, at: int, size: int) -> bytes:
    """A copy of these bytes."""
    return bytes(memory.window(at, size))


def write_bytes(memory: Context, at: int, data: Any) -> int:
    """Put these bytes there; how many they are."""
    end = at + len(data)
    memory.reach(end)[at:end] = data
    return len(data)


def end_now(process: PosixProcess) -> None:
    """Let a process that is to end not go on after the call that it makes. GuestExit."""
    if process.ending is not None:
        raise GuestExit(0)
