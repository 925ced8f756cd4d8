"""What all trees of a process keep together of their clean content: chunks for which a tree's own cache has no room."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

SHARED_CACHE_BYTES: Final = 64 * 1024**2
"""Of all trees of the process together: what one of them works on, as a search through its sources does again and again. To
load a chunk, which is to decompress it, takes ten times as long as to read it from here."""

CHUNK_OVERHEAD: Final = 200
"""Bytes that a cached chunk costs beside its data, so that a million tiny files do not pass for nothing."""

Key = tuple[int, int, int]
"""A tree's number, which no other has had, an inode, the chunk's index."""


class SharedCache:
    """The latest of these chunks. Those of a tree that is gone make room for others like all that nobody reads."""

    def __init__(self) -> None:
        self._chunks: OrderedDict[Key, bytes | bytearray] = OrderedDict()
        self.bytes = 0

    def put(self, key: Key, chunk: bytes | bytearray) -> None:
        """Keep a chunk, which nobody changes."""
        self.take(key)
        self._chunks[key] = chunk
        self.bytes += len(chunk) + CHUNK_OVERHEAD
        while self.bytes > SHARED_CACHE_BYTES:
            _, oldest = self._chunks.popitem(last=False)
            self.bytes -= len(oldest) + CHUNK_OVERHEAD

    def take(self, key: Key) -> bytes | bytearray | None:
        """A chunk, if it is there; it is not any more then."""
        chunk = self._chunks.pop(key, None)
        if chunk is not None:
            self.bytes -= len(chunk) + CHUNK_OVERHEAD
        return chunk
