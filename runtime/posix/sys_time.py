"""torpor:posix/sys: time and chance, both the VM's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.posix.calls import call, write_bytes
from runtime.posix.errnos import Errno, PosixError
from runtime.posix.sys_families import FUEL_PER_NS
from runtime.wasi.random import MAX_RANDOM_BYTES

if TYPE_CHECKING:
    from runtime.engine.abi.context import Context
    from runtime.posix.process import PosixProcess


@call("clock")
def clock(process: PosixProcess, _memory: Context, which: int) -> int:
    """clock_gettime(2), in nanoseconds."""
    assert process.state is not None
    match which:
        case 0:
            return process.state.ambient.now_wall_ns()
        case 1:
            return process.state.ambient.now_monotonic_ns()
        case 2:
            return process.fuel_used // FUEL_PER_NS
    raise PosixError(Errno.EINVAL)


@call("random")
def random(process: PosixProcess, memory: Context, to: int, size: int) -> int:
    """getrandom(2), which may be short; how many bytes."""
    assert process.state is not None
    memory.reach(to + size)
    return write_bytes(memory, to, process.state.ambient.random(min(size, MAX_RANDOM_BYTES)))
