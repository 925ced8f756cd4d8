"""What all processes of a VM share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from runtime.memory import NO_BOUND, MemoryBound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runtime.engine import Engine, Limits, Share
    from runtime.network import HttpGate
    from runtime.wasi.state import Ambient
    from wasi_fs import FileSystem


@attrs.frozen
class Surroundings:
    """See the module's docstring."""

    engine: Engine
    share: Share
    filesystem: FileSystem
    ambient: Ambient
    gate: HttpGate
    limits: Limits
    max_processes: int
    sync_filesystem: Callable[[], Awaitable[None]]
    touch: Callable[[], None]
    tell_compiling: Callable[[str, int], None]
    """Called with the name and size of a component that is to be compiled before it can start."""
    memory_bound: MemoryBound = NO_BOUND
    """Of all VMs together."""
