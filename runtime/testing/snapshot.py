"""The files of a VM as they are at a moment: what `changes` and `diff` compare."""

from __future__ import annotations

import base64
import posixpath
from typing import TYPE_CHECKING, Any, Final

from runtime.client.errors import RpcError

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[..., Any]

MAX_COMPARED: Final = 1024 * 1024
"""Bytes of a file whose content is kept: of a larger one, size and time tell of a change."""

READ_AT_ONCE: Final = 8 * 1024 * 1024
"""Bytes: half of what one answer may hold."""


def listing(call: Call, root: str) -> list[dict[str, Any]]:
    """Return everything below a directory that is no directory itself; empty where there is none. Raises RpcError."""
    try:
        found = call("readdirRecursive", path=root)
    except RpcError as error:
        if error.name == "not_found":
            return []
        raise
    return [entry for entry in found if entry["type"] != "directory"]


def contents(call: Call, root: str) -> dict[str, bytes]:
    """Return the content of every file below a directory, by its relative path. Raises RpcError."""
    kept: dict[str, bytes] = {}
    group: list[str] = []
    size = 0
    for entry in listing(call, root):
        if entry["type"] != "file":
            continue
        if entry["size"] > MAX_COMPARED:
            told = f"({entry['size']:,} bytes, written at {entry['mtimeMs']})\n"
            kept[posixpath.relpath(entry["path"], root)] = told.encode()
            continue
        if group and size + entry["size"] > READ_AT_ONCE:
            kept |= _read(call, group, root)
            group, size = [], 0
        group.append(entry["path"])
        size += entry["size"]
    return kept | _read(call, group, root) if group else kept


def _read(call: Call, paths: list[str], root: str) -> dict[str, bytes]:
    found = call("readFiles", paths=paths, encoding="base64")
    return {  # a file without content has gone meanwhile
        posixpath.relpath(each["path"], root): base64.b64decode(each["content"]["base64"])
        for each in found
        if each.get("content") is not None
    }
