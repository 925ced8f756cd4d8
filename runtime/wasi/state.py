"""What one guest sees of the world: the state that every WASI host function gets."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import trio

    from runtime.network import HttpGate
    from runtime.wasi.streams import InputStream, OutputStream, Source
    from wasi_fs import FileSystem


class Ambient:
    """Time and randomness of a VM: every source of nondeterminism but the network passes through here.

    Called on whichever thread runs the guest.
    """

    def now_wall_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return time.time_ns()

    def now_monotonic_ns(self) -> int:
        """Nanoseconds since some point in the past."""
        return time.monotonic_ns()

    def random(self, count: int) -> bytes:
        """`count` cryptographically secure bytes."""
        return os.urandom(count)


@attrs.define(eq=False)
class WasiState:
    """The environment, streams and capabilities of one guest."""

    args: Callable[[], list[str]]
    """The command line, the program's name first; made when it is asked for, since it may be long."""
    env: Callable[[], dict[str, str]]
    """The environment, as `args`."""
    cwd: str
    stdin: InputStream
    stdout: OutputStream
    stderr: OutputStream
    filesystem: FileSystem
    """The tree of the guest's VM, shared with all its guests."""
    ambient: Ambient
    http: HttpGate
    """What the VM may reach over HTTP."""
    sync_filesystem: Callable[[], Awaitable[None]]
    """Commits what has been written so far; returns when it is durable."""
    start_soon: Callable[..., Any]
    """Starts a task that is cancelled when the guest ends. The task must not raise."""
    threads: trio.CapacityLimiter
    """The VM's, for calls into the host that block."""
    open_files: int = 0
    """Descriptors that the guest has opened and not dropped."""

    def interruption(self) -> Source | None:
        """What ends a wait for pollables before one of them is ready; None where nothing does."""
        return None
