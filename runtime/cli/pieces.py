"""Files of any size, read from a VM and written into it in pieces that fit into one message."""

from __future__ import annotations

import base64
import contextlib
import errno
import os
import posixpath
import secrets
import signal
import stat
import time
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from runtime.client.sync import ClientError, RpcError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

PIECE_BYTES: Final = 8 * 1024 * 1024
"""Of a file, read or written at a time: half of what one answer may hold."""

PART_PREFIX: Final = ".torpor-part-"

PART_SECONDS: Final = 24 * 3600
"""Since its last piece: no connection is that slow."""

MAX_LINKS: Final = 40
"""Symbolic links in a row, as in the VM."""

Call = Callable[..., Any]
"""Calls a method of the VM: the method's name, and its params by theirs."""


def cut(file: BinaryIO) -> Iterator[bytes]:
    """What is left of a local file."""
    while piece := file.read(PIECE_BYTES):
        yield piece


def read(call: Call, path: str) -> Iterator[bytes]:
    """The content of a file of the VM; raises RpcError, ConnectionLostError."""
    offset = 0
    while True:
        found = call("readFile", path=path, encoding="base64", offset=offset, length=PIECE_BYTES)
        piece = base64.b64decode(found["content"]["base64"])
        yield piece
        offset += len(piece)
        if len(piece) < PIECE_BYTES:
            return


def write(call: Call, path: str, pieces: Iterable[bytes]) -> int:
    """Put a file where `path` leads in the VM, or leave what is there as it is; its size in bytes.

    A single piece is one call. Several make a new file beside the old one, which gets the old one's permission bits, and its
    name in the end. Raises RpcError, ConnectionLostError, OSError, and what `pieces` raises.
    """
    rest = iter(pieces)
    first, second = next(rest, b""), next(rest, None)
    if second is None:
        call("writeFile", path=path, content=_sent(first))
        return len(first)
    path, mode = _place(call, path)
    _sweep(call, posixpath.dirname(path))
    part = f"{posixpath.dirname(path).rstrip('/')}/{PART_PREFIX}{secrets.token_hex(8)}"
    size = 0
    try:
        for piece in chain((first, second), rest):
            with _undisturbed():
                call("writeFile", path=part, content=_sent(piece), offset=size)
            size += len(piece)
        if mode is not None:
            call("chmod", path=part, mode=mode)
        call("move", **{"from": part, "to": path})
    except BaseException:
        with contextlib.suppress(ClientError):  # there is nothing yet, or nobody answers
            call("deleteFile", path=part)
        raise
    return size


def _sweep(call: Call, folder: str) -> None:
    """Remove what clients that were killed have left in a folder of the VM, once no transfer can be at it any more."""
    with contextlib.suppress(RpcError):  # there is no such folder yet, or somebody else is faster
        for name in call("readdir", path=folder):
            if name.startswith(PART_PREFIX):
                part = f"{folder.rstrip('/')}/{name}"
                if call("stat", path=part)["mtimeMs"] < (time.time() - PART_SECONDS) * 1000:
                    call("deleteFile", path=part)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C comes when it is over: a connection with half a request on it could not be used to clean up. Twice: at once."""

    def note(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        came.append(True)

    came: list[bool] = []
    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)


def _place(call: Call, path: str) -> tuple[str, int | None]:
    """Where `path` leads, and the permission bits of the file there, if there is one."""
    for _ in range(MAX_LINKS + 1):
        try:
            found = call("stat", path=path, followLinks=False)
        except RpcError as error:
            if error.name != "not_found":
                raise
            return path, None
        if found["type"] == "directory":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if found["type"] != "symlink":
            return path, stat.S_IMODE(found["mode"])
        path = posixpath.join(posixpath.dirname(path), call("readlink", path=path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _sent(piece: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(piece).decode()}
