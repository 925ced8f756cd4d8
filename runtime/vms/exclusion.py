"""The globs of a listing's `exclude`, compared with each entry in steps that hold up no other task."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Final

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.options.policy import matches_path

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PARTS: Final = 32
"""Parts of a glob with slashes: each may have to be held against each part of a path."""

MATCHES: Final = 512
"""Parts that are held against one another between two looks at the other tasks, in a millisecond; more go to a thread."""

PREPARED: Final = 200
"""Parts of all globs that are made into expressions beforehand; `fnmatch` remembers 256."""

PREPARED_AT_ONCE: Final = 8
"""Each takes up to 0.2 ms."""


class Exclusion:
    """Globs of names, or with a slash of paths below a directory. ApiError INVALID_ARGUMENT for one that is too long."""

    def __init__(self, globs: Sequence[str]) -> None:
        self._globs = globs
        self._parts = [glob.split("/") for glob in globs if "/" in glob]
        if any(len(parts) > MAX_PARTS for parts in self._parts):
            raise ApiError(ErrorCode.INVALID_ARGUMENT, f"exclude: a glob has at most {MAX_PARTS} parts")
        self._of_paths = sum(map(len, self._parts))
        self._of_names = len(globs) - len(self._parts)
        self._done = 0

    async def prepare(self) -> None:
        """To be awaited first."""
        if self._of_paths + self._of_names > PREPARED:
            return
        parts = [part for glob in self._globs for part in glob.split("/")]
        for number, part in enumerate(parts, 1):
            fnmatch.fnmatchcase("", part)
            if number % PREPARED_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()

    async def covers(self, name: str, path: str, depth: int) -> bool:
        """Whether the entry is left out; `path` is the one below the directory, of `depth` names."""
        if not self._globs:
            return False
        work = self._of_names + self._of_paths * depth
        if work > MATCHES or self._of_paths + self._of_names > PREPARED:
            return await trio.to_thread.run_sync(self._covers, name, path)
        self._done += work
        if self._done >= MATCHES:
            self._done = 0
            await trio.lowlevel.checkpoint()
        return self._covers(name, path)

    def _covers(self, name: str, path: str) -> bool:
        return any(matches_path(glob, path) if "/" in glob else fnmatch.fnmatchcase(name, glob) for glob in self._globs)
