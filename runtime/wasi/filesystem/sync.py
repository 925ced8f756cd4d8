"""Durability on request: `sync`, and descriptors opened with `file-integrity-sync` and its like (O_SYNC, O_DSYNC, O_RSYNC).

A write through such a descriptor or a stream of it is over when it is durable: `write` and `blocking-write-and-flush` return
then, and a stream takes nothing more before. A change set has data and attributes in one, so file and data integrity are the
same. `requested-write-sync` beside one of them has reads wait for what was written before, by whomever.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.api.errors import ApiError
from runtime.engine import WitError
from wasi_fs.errors import FsCode, FsError
from wasi_fs.handles import OpenDirectory, OpenFile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from runtime.wasi.state import WasiState

logger = logging.getLogger(__name__)

READS: Final = "requested-write-sync"
WRITES: Final = ("file-integrity-sync", "data-integrity-sync")


def sync_flags(flags: Iterable[str]) -> tuple[str, ...]:
    """Those of a descriptor's flags that are about durability."""
    return tuple(flag for flag in (*WRITES, READS) if flag in flags)


def syncs_writes(flags: Iterable[str]) -> bool:
    """Whether writes are over when they are durable."""
    return any(flag in flags for flag in WRITES)


def syncs_reads(flags: Iterable[str]) -> bool:
    """Whether reads wait for what was written before."""
    return READS in flags and syncs_writes(flags)


def is_clean(state: WasiState, handle: OpenFile | OpenDirectory) -> bool:
    """Nothing waits to be made durable, as far as the tree knows: a host's kernel tells nothing."""
    fs = state.filesystem
    return not (_is_hosts(handle) or fs.dirty_bytes or fs.saving)


async def save_tree(state: WasiState) -> None:
    """Return when all that the VM has written so far is durable. FsError."""
    try:
        await state.sync_filesystem()
    except ApiError as error:
        raise FsError(FsCode.IO, str(error)) from None


async def save(state: WasiState, handle: OpenFile | OpenDirectory) -> None:
    """`save_tree`, or, of a file in a host directory, until that is durable. The handle stays open meanwhile. FsError."""
    mount = handle.node.mount
    if mount is None or not isinstance(handle, OpenFile):
        await save_tree(state)
    else:
        await trio.to_thread.run_sync(mount.contents.sync, handle.node, limiter=state.threads)


async def saved(state: WasiState, handle: OpenFile | OpenDirectory, answer: Any = None) -> Any:
    """`save`, for a method of a descriptor that then answers this. WitError."""
    with handle.duplicate() as held:  # the guest may close its own meanwhile
        try:
            await save(state, held)
        except FsError as error:
            raise WitError(error.code.value) from None
    return answer


async def failure_of(saving: Awaitable[None]) -> FsError | None:
    """Why saving has failed, for a stream to report; None if it has not."""
    try:
        await saving
    except FsError as error:
        return error
    except Exception:  # a fault of the host must reach the guest's stream too, and not the VM whose task this is
        logger.exception("files could not be saved")
        return FsError(FsCode.IO)
    return None


def _is_hosts(handle: OpenFile | OpenDirectory) -> bool:
    return handle.node.mount is not None and isinstance(handle, OpenFile)
