"""A guest that calls the functions of wasi:filesystem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
import trio.testing

from runtime.engine import WitError
from runtime.wasi.filesystem import preopens, types

if TYPE_CHECKING:
    from collections.abc import Callable


FOLLOW = frozenset({"symlink-follow"})


NONE: frozenset[str] = frozenset()


READ = frozenset({"read"})


WRITE = frozenset({"write"})


FUNCTIONS = (
    "read-via-stream write-via-stream append-via-stream advise sync-data get-flags get-type set-size set-times read write "
    "read-directory sync create-directory-at stat stat-at set-times-at link-at open-at readlink-at remove-directory-at "
    "rename-at symlink-at unlink-file-at is-same-object metadata-hash metadata-hash-at"
)


@attrs.define(eq=False)
class Guest:
    """A guest's state, and its calls by their WIT names."""

    world: Any
    start_soon: Callable[..., Any] | None = None
    syncs: int = 0
    open_files: int = 0
    failure: Exception | None = None

    @property
    def filesystem(self) -> Any:
        return self.world.fs

    async def sync_filesystem(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.failure:
            raise self.failure
        self.syncs += 1
        self.world.save()

    def call(self, name: str, *arguments: Any) -> Any:
        full = name if name in types.types.functions else f"[method]descriptor.{name}"
        return types.types.functions[full](self, *arguments)

    def refused(self, code: str, name: str, *arguments: Any) -> None:
        with pytest.raises(WitError) as caught:
            self.call(name, *arguments)
        assert caught.value.value == code

    @property
    def root(self) -> Any:
        ((descriptor, name),) = preopens.preopens.functions["get-directories"](self)
        assert name == "/"
        return descriptor

    def open(self, path: str, *open_flags: str, flags: frozenset[str] = READ) -> Any:
        return self.call("open-at", self.root, FOLLOW, path, frozenset(open_flags), flags)


def memory(content: bytes) -> tuple[bytearray, memoryview]:
    """Some of a guest's memory, and the view of it that a host function gets."""
    linear = bytearray(content)
    return linear, memoryview(linear).toreadonly()
