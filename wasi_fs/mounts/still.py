"""Host directories whose links stay as they are for a while.

A program of the host that is to open a path for a guest follows links, which the runtime itself never has the kernel do. So a
path without a link is looked for, and until the program has opened it no guest may put a link, or a directory that has one, in
the way: what would do so waits (`FsCode.WOULD_BLOCK`), in every VM of the process.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from wasi_fs.errors import FsCode, FsError

if TYPE_CHECKING:
    from collections.abc import Iterator


class HeldStillError(FsError):
    """Of the code WOULD_BLOCK: it may take as long as that program does."""

    def __init__(self) -> None:
        super().__init__(FsCode.WOULD_BLOCK, "a program of the host is about to open a file here")


_still: Final[Counter[str]] = Counter()


@contextmanager
def held_still(host: str) -> Iterator[None]:
    """Let links and renames below the host directory `host` wait until this ends."""
    _still[host] += 1
    try:
        yield
    finally:
        _still[host] -= 1
        if not _still[host]:
            del _still[host]


def check_moving(host: str) -> None:
    """HeldStillError while links in the host directory `host`, around it or below it are held still."""
    for other in _still:
        if _within(host, other) or _within(other, host):
            raise HeldStillError


def _within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")
