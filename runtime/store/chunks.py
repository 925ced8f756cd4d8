"""Content as it is stored: chunks named by their hash, compressed where that helps, each once for all VMs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import zstandard

from runtime.api.errors import ApiError, ErrorCode
from runtime.store.sql import json_text, rows
from runtime.store.writer import Insert
from wasi_fs.backend import CHUNK_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

HASH_BYTES: Final = 32
"""BLAKE2b-256: equal hashes are taken for equal content."""

ZSTD_LEVEL: Final = 1
"""3 makes source code 4 % shorter, and takes the time from everybody's commits."""

_ADD: Final = Insert("INSERT INTO chunk (hash, size, data)", "(?, ?, ?)")
_KNOWN: Final = "SELECT hash FROM chunk WHERE hash IN (SELECT unhex(value) FROM json_each(?))"


class ChunkStore:
    """Adds chunks; to be used on the writer's thread."""

    def __init__(self) -> None:
        # The checksum is zstd's own, xxh64: four bytes against a disk that forgets.
        self._compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)

    def add(self, connection: apsw.Connection, contents: Iterable[bytes | bytearray]) -> list[bytes]:
        """Store those `contents` that are not stored yet, and return the hashes of all, in order."""
        hashes = []
        fresh: dict[bytes, bytes | bytearray] = {}
        for content in contents:
            hash_ = hashlib.blake2b(content, digest_size=HASH_BYTES).digest()
            hashes.append(hash_)
            fresh[hash_] = content
        for (known,) in rows(connection, _KNOWN, (json_text([hash_.hex() for hash_ in fresh]),)):
            del fresh[known]
        _ADD.insert(connection, [(hash_, len(content), self._pack(content)) for hash_, content in fresh.items()])
        return hashes

    def _pack(self, content: bytes | bytearray) -> bytes:
        packed = self._compressor.compress(content)
        return packed if len(packed) < len(content) else bytes(content)


class Unpacker:
    """Turns rows into content; one thread at a time may use it."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor()  # to make one takes four times as long as to use it

    def unpack(self, size: int, data: bytes) -> bytes:
        """The content of a chunk from its row. Raises `ApiError` STATE_CORRUPT if it is damaged."""
        # The file may come from elsewhere: the size that a frame claims is checked before memory is allocated for it.
        try:
            if 0 < size <= CHUNK_SIZE:
                if len(data) == size:
                    return data
                if zstandard.frame_content_size(data) == size:
                    return self._decompressor.decompress(data)
        except zstandard.ZstdError:
            pass
        raise ApiError(
            ErrorCode.STATE_CORRUPT,
            "the content of a file in Torpor's state is damaged; stop the daemon, and restore a backup, or write what can "
            "still be read into a folder with `torpor salvage`",
        )
