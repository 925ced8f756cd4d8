"""Operations on a tree that get on step by step, with others in between: see `FsCode.WOULD_BLOCK`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import trio

from wasi_fs import FsCode, FsError
from wasi_fs.mounts import HeldStillError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

HELD_SECONDS: Final = 0.005
"""Between two looks whether paths of a mount may lead elsewhere again: a program of the host may take seconds to open one."""


async def patiently(
    operation: Callable[[], T], meanwhile: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
) -> T:
    """Run `operation` until all that it needs is in memory, and return its result; between two tries await `meanwhile`."""
    while True:
        try:
            return operation()
        except HeldStillError:
            await trio.sleep(HELD_SECONDS)
        except FsError as error:
            if error.code is not FsCode.WOULD_BLOCK:
                raise
            await meanwhile()
