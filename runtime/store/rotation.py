"""Changing the key that seals the environments, so that a crash at any moment leaves a file and a key that fit.

The new key is written beside the old one (`key.new`) and made durable. One transaction seals every environment anew. Once
that is durable as well, the new key takes the old one's place. So the transaction, and not a file, decides which key
counts: if there is a `key.new` at the start, `settle` looks which of the two keys the environments are sealed with, and
finishes the change or drops it.

Environments that the old key does not open (it was lost, or they are damaged) stay as they are.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING, Final

import attrs
import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.holding import Holding
from runtime.newfile import sync_directory
from runtime.store.sealing import KEY_BYTES, key_id, read_key, seal, sealed_by, unseal, write_key
from runtime.store.sql import rows, run

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    import apsw

    from runtime.store.reading import Reader
    from runtime.store.writer import Writer

PAGE: Final = 64
"""Environments in memory at a time: each may have a megabyte."""


@attrs.frozen
class Rotated:
    """The counts of a change of the key."""

    resealed: int
    """Environments that are sealed with the new key now."""
    unreadable: int
    """Environments that the old key did not open."""


class SealingTurns:
    """Lets environments be sealed and opened at the same time, and the key be changed only while none is.

    A task that seals must submit the sealed environment to the writer within its turn: the change is submitted later, and
    reseals it.
    """

    def __init__(self) -> None:
        self._entry = trio.Lock()
        self._inside = 0
        self._left = trio.lowlevel.ParkingLot()

    @contextlib.asynccontextmanager
    async def shared(self) -> AsyncGenerator[None, None]:
        """Use the key as it is, together with others."""
        async with Holding(self._entry):
            self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._left.unpark_all()

    @contextlib.asynccontextmanager
    async def exclusive(self) -> AsyncGenerator[None, None]:
        """Keep every other use of the key out, to change it."""
        async with self._entry:
            while self._inside:
                await self._left.park()
            yield


class KeyRotation:
    """The change of the key in one file, for the environments in one state file."""

    def __init__(self, key_path: Path, state_path: Path) -> None:
        self._path = key_path
        self._new_path = key_path.with_name(f"{key_path.name}.new")
        self._state = state_path

    async def rotate(self, writer: Writer, reader: Reader) -> Rotated:
        """Change the key. It is completed even if it is cancelled; the caller ensures that nothing is sealed meanwhile.

        Raises `ApiError` IO_ERROR; then the old key stays, or the change is finished when the file is next opened.
        """
        with trio.CancelScope(shield=True):
            self.settle(reader)
            old = await trio.to_thread.run_sync(read_key, self._path)
            new = await trio.to_thread.run_sync(self._prepare)
            try:
                rotated = await writer.commit(lambda connection: reseal(connection, old, new))
            except BaseException:
                self.settle(reader)
                raise
            await trio.to_thread.run_sync(self._adopt)
        return rotated

    def settle(self, reader: Reader) -> None:
        """End a change that was broken off, in the one way that fits the state file. Raises `ApiError` IO_ERROR."""
        if not self._new_path.exists():
            return
        new = read_key(self._new_path) if self._new_path.stat().st_size == KEY_BYTES else None
        key_ids = reader.all("SELECT DISTINCT substr(env_sealed, 2, 8) FROM session WHERE env_sealed IS NOT NULL")
        if new is not None and (key_id(new),) in key_ids:
            self._adopt()
        else:
            self._forget()

    def _prepare(self) -> bytes:
        key = secrets.token_bytes(KEY_BYTES)
        try:
            write_key(self._new_path, key)
            sync_directory(self._new_path)
        except OSError as error:
            raise _unwritable(self._new_path, error) from error
        return key

    def _adopt(self) -> None:
        try:
            # A commit is durable against a power cut once the log is, or after a checkpoint, which sees to it itself. The
            # state file is never opened here: to close it would drop SQLite's locks (see `runtime.store.durability`).
            with contextlib.suppress(FileNotFoundError):
                _sync(self._state.with_name(f"{self._state.name}-wal"))
            self._new_path.replace(self._path)
            sync_directory(self._path)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def _forget(self) -> None:
        try:
            self._new_path.unlink()
        except OSError as error:
            raise _unwritable(self._new_path, error) from error


def reseal(connection: apsw.Connection, old: bytes | None, new: bytes) -> Rotated:
    """Seal with `new` every environment that `old` opens."""
    resealed = unreadable = last = 0
    sql = "SELECT id, session_id, env_sealed FROM session WHERE id > ? AND env_sealed IS NOT NULL ORDER BY id LIMIT ?"
    while page := rows(connection, sql, (last, PAGE)):
        for last, session_id, blob in page:
            try:
                plain = None if old is None or sealed_by(blob) != key_id(old) else unseal(old, blob, session_id)
            except ApiError:
                plain = None
            if plain is None:
                unreadable += 1
                continue
            run(connection, "UPDATE session SET env_sealed = ? WHERE id = ?", seal(new, plain, session_id), last)
            resealed += 1
    return Rotated(resealed, unreadable)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> ApiError:
    return ApiError(ErrorCode.IO_ERROR, f"cannot change the key file {path}: {error.strerror}")
