"""The content of files: chunks are read on demand and written in memory, and clean ones are cached within a bound.

Holes cost nothing: a chunk that was never written is nowhere, and a chunk ends with the last byte written to it. `allocated`
of a file is the sum of its chunks' lengths. Where it equals the file's size, every byte is covered, and quotas are counted
without looking at a chunk; only files with holes are measured chunk by chunk.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from wasi_fs.backend import CHUNK_SIZE
from wasi_fs.errors import FsCode, FsError
from wasi_fs.inode import NO_CUT
from wasi_fs.shared import CHUNK_OVERHEAD, SharedCache

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from wasi_fs.backend import Data
    from wasi_fs.inode import File
    from wasi_fs.tree import Tree

CLEAN_CACHE_BYTES: Final = 4 * 1024**2
"""Clean content that each tree keeps in memory, whatever the others do: the few files that a guest reads again and again. A
thousand VMs may be awake; what they keep beyond that is in a cache of all of them (`shared`)."""

MEASURED: Final = 500
"""Stored chunks whose lengths are looked up at a time, in a millisecond, where a file with holes is cut off."""

DISCARDED_ONE_BY_ONE: Final = 100
"""Chunks that are looked for where a file is cut off. Of more, all that the tree has in the shared cache is given up."""

DIRTY_LIMIT: Final = 32 * 1024**2
"""Unsaved bytes at which writers should wait for a commit: hashing, compressing and writing them takes some 0.2 s, and a
crash may lose them."""

_VERSIONS: Final = itertools.count(1)
"""Of all files of all trees of the process. No clock would do, since a VM's may stand still."""

_NUMBERS: Final = itertools.count(1)
"""Of trees, for their chunks in the cache that they share: a new one when what was read counts no more."""

_shared: Final = SharedCache()


class Cut:
    """Content that was cut up beforehand, for a write of much of it in one step: its chunks are taken as they are, not copied.

    `chunks` end where those of the file do, when they begin at the offset that they are written to; nobody else has them.
    """

    def __init__(self, chunks: list[bytearray]) -> None:
        self.chunks = chunks
        self._size = sum(map(len, chunks))

    def __len__(self) -> int:
        """Bytes in all."""
        return self._size


def cut(data: Data, offset: int) -> Iterator[memoryview]:
    """Views of data that is written at `offset`, chunk by chunk."""
    view = memoryview(data)
    start, stop = 0, CHUNK_SIZE - offset % CHUNK_SIZE
    while start < len(view):
        yield view[start:stop]
        start, stop = stop, stop + CHUNK_SIZE


class _Measuring:
    """How far the sizes of a file's chunks are known, as long as nobody writes to it."""

    def __init__(self, node: File, version: Hashable, first: int) -> None:
        self.node = node
        self.version = version
        self.first = first
        self.at: int | None = first
        """Where to go on; None: there are no others."""
        self.bytes = 0


class Contents:
    """The content of all files of a tree. Callers check types, permission and seals; times are set here."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._clean: OrderedDict[tuple[int, int], bytes | bytearray] = OrderedDict()
        self._clean_bytes = 0
        self._number = next(_NUMBERS)
        self._measuring: _Measuring | None = None

    def read(self, node: File, offset: int, count: int) -> Data:
        """At most `count` bytes from `offset`, fewer only at the end of the file; later writes do not change them."""
        pieces = self.pieces(node, offset, count)
        if len(pieces) != 1:
            return b"".join(pieces)
        index = offset // CHUNK_SIZE
        # What is unsaved may change while a guest waits for it, or (in flight) once the change set has failed.
        return bytes(pieces[0]) if index in node.dirty or index in node.flight else pieces[0]

    def pieces(self, node: File, offset: int, count: int) -> list[Data]:
        """What `read` gives, in pieces that are to be copied before anything else is done: none at the end of the file."""
        self._tree.accessed(node)
        end = min(offset + count, node.size)
        pieces: list[Data] = []
        position = offset
        while position < end:
            index, start = divmod(position, CHUNK_SIZE)
            stop = min(CHUNK_SIZE, start + end - position)
            pieces.append(self._piece(node, index, start, stop))
            position += stop - start
        return pieces

    def write(self, node: File, offset: int, data: Data | Cut) -> None:
        """Write all of `data` at `offset`, over holes too. FsError(FILE_TOO_LARGE, INSUFFICIENT_SPACE): nothing written."""
        end = offset + len(data)
        if end > self._tree.limits.file_size:
            raise FsError(FsCode.FILE_TOO_LARGE, f"the limit is {self._tree.limits.file_size} bytes")
        if end == offset:
            return
        growth = self._growth(node, offset, end)
        if growth:
            self._tree.charge(growth)
            node.allocated += growth
        node.version = None
        position = offset
        for piece in data.chunks if isinstance(data, Cut) else cut(data, offset):
            index, start = divmod(position, CHUNK_SIZE)
            stop = start + len(piece)
            position += len(piece)
            chunk = node.dirty.get(index)
            if chunk is None:
                if start == 0 and (stop == CHUNK_SIZE or end >= node.size):
                    self._have_chunk(node, index, piece if isinstance(piece, bytearray) else bytearray(piece))
                    continue
                chunk = self._have_chunk(node, index, bytearray(self._chunk(node, index) or b""))
            before = len(chunk)
            if start > before:
                chunk.extend(bytes(start - before))
            self._tree.dirty_bytes += max(0, stop - before)
            known = len(chunk) - start
            if known > 0:  # through a view: a bytearray takes a copy first of what it is to have in a slice
                memoryview(chunk)[start:stop] = piece[:known]
            chunk += piece[max(0, known) :]
        node.size = max(node.size, end)
        self._tree.modified(node)

    def append(self, node: File, data: Data) -> int:
        """Write all of `data` at the end; the offset where it begins. Errors as for `write`."""
        offset = node.size
        self.write(node, offset, data)
        return offset

    def identity(self, node: File) -> Hashable:
        """See `FileSystem.identity`."""
        if node.version is None:
            node.version = next(_VERSIONS)
        return node.version

    def resize(self, node: File, size: int) -> None:
        """Cut the file off, or extend it by a hole. FsError(FILE_TOO_LARGE)."""
        if size > self._tree.limits.file_size:
            raise FsError(FsCode.FILE_TOO_LARGE, f"the limit is {self._tree.limits.file_size} bytes")
        if size < node.size:
            self._cut(node, size)
        node.version = None
        node.size = size
        self._tree.modified(node)

    def check_replace(self, node: File | None, size: int) -> None:
        """Whether the file's content (None: a new file's) can be replaced by `size` bytes; the errors are those of `write`."""
        self._check_room(size, size - (node.allocated if node else 0))

    def check_new(self, offset: int, size: int) -> None:
        """Whether a new file can be made by writing `size` bytes at `offset`; the errors are those of `write`."""
        end = offset + size
        self._check_room(end if size else 0, end - offset // CHUNK_SIZE * CHUNK_SIZE if size else 0)

    def _check_room(self, end: int, growth: int) -> None:
        limits = self._tree.limits
        if end > limits.file_size:
            raise FsError(FsCode.FILE_TOO_LARGE, f"the limit is {limits.file_size} bytes")
        if growth > 0 and self._tree.bytes + growth > limits.bytes:
            raise FsError(FsCode.INSUFFICIENT_SPACE, f"the limit is {limits.bytes} bytes")

    # Change sets

    def depart(self, node: File) -> None:
        """The file's unsaved chunks travel with a change set; writes from now on make copies."""
        size = sum(map(len, node.dirty.values()))
        self._tree.dirty_bytes -= size
        self._tree.flight_bytes += size
        node.flight, node.flight_cut = node.dirty, node.cut
        node.dirty, node.cut = {}, NO_CUT

    def arrive(self, node: File) -> None:
        """The change set is stored: its chunks are clean."""
        self._measure_anew(node)
        for index, chunk in node.flight.items():
            self._tree.flight_bytes -= len(chunk)
            if index < node.cut and index not in node.dirty:
                self._keep(node.ino, index, chunk)
        node.flight, node.flight_cut = {}, NO_CUT

    def restore(self, node: File) -> None:
        """The change set has failed: its chunks are dirty again, unless they were overwritten since."""
        self._measure_anew(node)
        for index, chunk in node.flight.items():
            self._tree.flight_bytes -= len(chunk)
            if index < node.cut and index not in node.dirty:
                node.dirty[index] = chunk
                self._tree.dirty_bytes += len(chunk)
        node.cut = min(node.cut, node.flight_cut)
        node.flight, node.flight_cut = {}, NO_CUT

    def give_up(self, node: File) -> None:
        """The change set is given up: the file's content is the backend's. Call `forget` first."""
        self._tree.flight_bytes -= sum(map(len, node.flight.values()))
        self._tree.drop_unsaved(node)
        node.flight, node.flight_cut, node.cut = {}, NO_CUT, NO_CUT
        node.version = None

    def forget(self) -> None:
        """Drop everything that was read from the backend: it is asked again."""
        self._measuring = None
        self._clean.clear()
        self._clean_bytes = 0
        self._number = next(_NUMBERS)

    # Chunks

    def _chunk(self, node: File, index: int) -> bytes | bytearray | None:
        """The chunk as it is now, not to be changed; None: a hole."""
        chunk: bytes | bytearray | None = node.dirty.get(index)
        if chunk is not None:
            return chunk
        if index >= node.cut:
            return None
        chunk = node.flight.get(index)
        if chunk is not None:
            return chunk
        if index >= node.flight_cut:
            return None
        key = (node.ino, index)
        chunk = self._clean.get(key)
        if chunk is not None:
            self._clean.move_to_end(key)
            return chunk
        chunk = _shared.take((self._number, node.ino, index)) or self._tree.backend.load_chunk(node.ino, index)
        if chunk is not None:
            if len(chunk) > CHUNK_SIZE:
                raise FsError(FsCode.IO, f"chunk {index} of inode {node.ino} has {len(chunk)} bytes")
            self._keep(node.ino, index, chunk)
        return chunk

    def _piece(self, node: File, index: int, start: int, stop: int) -> Data:
        """Part of a chunk as it is now, the chunk itself where it can be had: to be copied at once if it is unsaved."""
        chunk = self._chunk(node, index)
        if chunk is None:
            return bytes(stop - start)
        if len(chunk) < stop:
            return bytes(memoryview(chunk)[start:]).ljust(stop - start, b"\0")
        return chunk if stop - start == len(chunk) else memoryview(chunk)[start:stop]

    def _have_chunk(self, node: File, index: int, chunk: bytearray) -> bytearray:
        """The chunk that may be written at that index is this one."""
        node.dirty[index] = chunk
        self._tree.dirty_bytes += len(chunk)
        self._discard(node.ino, index)
        return chunk

    def _growth(self, node: File, offset: int, end: int) -> int:
        """By how many bytes `allocated` grows when that range is written."""
        dense = node.allocated == node.size
        if dense and offset <= node.size:
            return max(0, end - node.size)
        growth = 0
        first, last = offset // CHUNK_SIZE, (end - 1) // CHUNK_SIZE
        sizes = {} if dense else self._sizes(node, first, last)
        for index in range(first, last + 1):
            covered = min(CHUNK_SIZE, end - index * CHUNK_SIZE)
            here = max(0, node.size - index * CHUNK_SIZE) if dense else sizes.get(index, 0)
            growth += max(0, covered - here)
        return growth

    def _sizes(self, node: File, first: int, last: int) -> dict[int, int]:
        """The lengths of the chunks that there are in a range, of which those that are stored are not read."""
        sizes: dict[int, int] = {}
        stored = min(node.cut, node.flight_cut, last + 1)
        if first < stored:
            found, _ = self._tree.backend.chunk_sizes(node.ino, first, last - first + 1)
            sizes = {index: size for index, size in found if index < stored}
        for index in range(first, last + 1):
            chunk = node.dirty.get(index)
            if chunk is None and index < node.cut:
                chunk = node.flight.get(index)
            if chunk is not None:
                sizes[index] = len(chunk)
        return sizes

    def _cut(self, node: File, size: int) -> None:
        index, rest = divmod(size, CHUNK_SIZE)
        if node.allocated == node.size:
            freed = node.size - size
        elif size:
            freed = self._measure(node, index) - min(rest, len(self._chunk(node, index) or b""))
        else:
            freed = node.allocated
        if rest:
            base = self._chunk(node, index)
            if base is not None and len(base) > rest:
                chunk = node.dirty.get(index)
                if chunk is None:
                    chunk = self._have_chunk(node, index, bytearray(base))
                self._tree.dirty_bytes -= len(chunk) - rest
                del chunk[rest:]
            index += 1
        for dropped in [i for i in node.dirty if i >= index]:
            self._tree.dirty_bytes -= len(node.dirty.pop(dropped))
        if index < node.cut:
            node.cut = index
            self._discard_from(node, index)
        self._tree.charge(-freed)
        node.allocated -= freed

    def _measure(self, node: File, first: int) -> int:
        """The bytes of all chunks from `first` on. FsError(WOULD_BLOCK) until all that are stored were looked at."""
        begun, self._measuring = self._measuring, None
        if begun is None or (begun.node, begun.version, begun.first) != (node, self.identity(node), first):
            begun = _Measuring(node, self.identity(node), first)
        stored = min(node.cut, node.flight_cut)
        if begun.at is not None and begun.at < stored:
            sizes, begun.at = self._tree.backend.chunk_sizes(node.ino, begun.at, MEASURED)
            begun.bytes += sum(
                size
                for index, size in sizes
                if index < stored and index not in node.dirty and not (index < node.cut and index in node.flight)
            )
            if begun.at is not None and begun.at < stored:
                self._measuring = begun
                raise FsError(FsCode.WOULD_BLOCK, "there are more chunks")
        flight = (len(chunk) for i, chunk in node.flight.items() if first <= i < node.cut and i not in node.dirty)
        dirty = (len(chunk) for i, chunk in node.dirty.items() if first <= i)
        return begun.bytes + sum(flight) + sum(dirty)

    def _measure_anew(self, node: File) -> None:
        if self._measuring is not None and self._measuring.node is node:
            self._measuring = None

    # Clean chunks

    def _keep(self, ino: int, index: int, chunk: bytes | bytearray) -> None:
        self._discard(ino, index)
        self._clean[ino, index] = chunk
        self._clean_bytes += len(chunk) + CHUNK_OVERHEAD
        while self._clean_bytes > CLEAN_CACHE_BYTES:
            (old_ino, old_index), oldest = self._clean.popitem(last=False)
            self._clean_bytes -= len(oldest) + CHUNK_OVERHEAD
            _shared.put((self._number, old_ino, old_index), oldest)

    def _discard(self, ino: int, index: int) -> None:
        _shared.take((self._number, ino, index))
        chunk = self._clean.pop((ino, index), None)
        if chunk is not None:
            self._clean_bytes -= len(chunk) + CHUNK_OVERHEAD

    def _discard_from(self, node: File, first: int) -> None:
        last = (node.size - 1) // CHUNK_SIZE
        if last - first < max(len(self._clean), DISCARDED_ONE_BY_ONE):
            for index in range(first, last + 1):
                self._discard(node.ino, index)
        else:
            for ino, index in [key for key in self._clean if key[0] == node.ino and key[1] >= first]:
                self._discard(ino, index)
            self._number = next(_NUMBERS)
