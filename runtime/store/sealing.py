"""Sealing the values of a session's `env`, which the state file must not disclose.

People pass API keys in `env`, and a resume needs them, so they are stored: encrypted and authenticated (ChaCha20-Poly1305),
with a key that lies outside the state file. A thief of the file alone gets the names only.

A sealed blob is

    format (1 byte) | key id (8 bytes) | nonce (12 bytes) | ciphertext and tag

and is bound to its session: the session's public id is authenticated with it, so that a blob which was moved to another
session does not open. The key id says which key sealed it: there are two while the key is being changed (see
`runtime.store.rotation`).
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from typing import TYPE_CHECKING, Final

import msgspec

from runtime.api.errors import ApiError, ErrorCode
from runtime.newfile import NewFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

KEY_BYTES: Final = 32
_FORMAT: Final = b"\x01"
_KEY_ID_BYTES: Final = 8

_NONCE_BYTES: Final = 12
"""Random: with 2^32 seals under one key the odds of using one twice are still 2^-33."""

_HEAD_BYTES: Final = len(_FORMAT) + _KEY_ID_BYTES


class Sealer:
    """Seals and opens with the key in one file, which is made when something is first sealed.

    Any thread may call it. The first use imports `cryptography`, and reads the key file: some 30 ms.
    """

    def __init__(self, key_path: Path) -> None:
        self._path = key_path

    def seal(self, values: Mapping[str, str], session_id: str) -> bytes:
        """Seal `values` for the session. Raises `ApiError` IO_ERROR when the key file is unusable."""
        key = read_key(self._path)
        if key is None:
            key = _create_key(self._path)
        return seal(key, msgspec.json.encode(dict(values)), session_id)

    def open(self, blob: bytes, session_id: str, names: Sequence[str]) -> dict[str, str]:
        """Open a blob that `seal` made for the same session.

        Raises `ApiError`: SECRETS_REQUIRED with `names` when the key is missing or another one, STATE_CORRUPT when the
        blob was changed or belongs to another session, IO_ERROR when the key file is unusable.
        """
        key = read_key(self._path)
        if blob[:1] != _FORMAT:
            raise _damaged(session_id)
        if key is None or sealed_by(blob) != key_id(key):
            raise ApiError(
                ErrorCode.SECRETS_REQUIRED,
                f"the key that seals the environment of session {session_id} is not in {self._path}: "
                f"give these variables again: {', '.join(names)}",
                names=list(names),
            )
        return msgspec.json.decode(unseal(key, blob, session_id), type=dict[str, str])


def seal(key: bytes, plain: bytes, session_id: str) -> bytes:
    """A sealed blob: see the module's text."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415  # slow to import

    nonce = os.urandom(_NONCE_BYTES)
    head = _FORMAT + key_id(key)
    return head + nonce + ChaCha20Poly1305(key).encrypt(nonce, plain, _bound(head, session_id))


def unseal(key: bytes, blob: bytes, session_id: str) -> bytes:
    """The plain text that `seal` was given. Raises `ApiError` STATE_CORRUPT if the blob was changed, or another session's."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # slow to import
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    head, nonce = blob[:_HEAD_BYTES], blob[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES]
    sealed = blob[_HEAD_BYTES + _NONCE_BYTES :]
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, _bound(head, session_id))
    except (InvalidTag, ValueError):
        raise _damaged(session_id) from None


def sealed_by(blob: bytes) -> bytes:
    """The id of the key that a blob was sealed with."""
    return blob[len(_FORMAT) : _HEAD_BYTES]


def _bound(head: bytes, session_id: str) -> bytes:
    return head + session_id.encode()


def key_id(key: bytes) -> bytes:
    """The name of a key, which tells nothing about it."""
    return hashlib.blake2b(key, digest_size=_KEY_ID_BYTES, person=b"torpor-key-id").digest()


def _damaged(session_id: str) -> ApiError:
    return ApiError(
        ErrorCode.STATE_CORRUPT,
        f"the sealed environment of session {session_id} is damaged or not its own; restore the state file from a backup, or "
        "fork the session: its transcript and the files are whole",
    )


def read_key(path: Path) -> bytes | None:
    """The key, None if there is no key file. A key that others may read protects nothing, and is refused."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ApiError(ErrorCode.IO_ERROR, f"cannot read the key file {path}: {error.strerror}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise ApiError(
                ErrorCode.IO_ERROR,
                f"the key file {path} must be a regular file of your own that nobody else may read: chmod 600 {path}",
            )
        key = os.read(descriptor, KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(key) != KEY_BYTES:
        raise ApiError(
            ErrorCode.IO_ERROR,
            f"the key file {path} must hold {KEY_BYTES} bytes and does not: restore it from a backup, or move it away to "
            "have a new one (sessions will then ask for their environment again, until this one is back)",
        )
    return key


def _create_key(path: Path) -> bytes:
    """Write a new key file, whole or not at all; if somebody else was faster, his key is the one."""
    key = secrets.token_bytes(KEY_BYTES)
    try:
        with NewFile(path) as file:
            os.write(file.descriptor, key)
            try:
                file.publish()
            except FileExistsError:
                return read_key(path) or _create_key(path)
    except OSError as error:
        raise ApiError(ErrorCode.IO_ERROR, f"cannot write the key file {path}: {error.strerror}") from error
    return key


def write_key(path: Path, key: bytes) -> None:
    """Write a key into a file that there is not yet. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, key)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
