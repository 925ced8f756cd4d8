"""`--mount HOST[:PATH][:ro]`: directories of this machine for a VM."""

from __future__ import annotations

import os
import posixpath
from typing import Any, Final

READ_ONLY: Final = ":ro"


def parse_mounts(given: list[str]) -> list[dict[str, Any]]:
    """Return `options.mounts` for the arguments. What can be mounted is the daemon's to say."""
    return [_parse(each) for each in given]


def host_mount(directory: str, path: str) -> dict[str, Any]:
    """Return the mount of a directory of this machine at `path` of a VM."""
    return {"path": path, "host": os.path.realpath(directory)}


def normal(path: str) -> str:
    """Return an absolute path without what would have to be resolved, symbolic links aside."""
    return "/" + posixpath.normpath(path).lstrip("/")  # POSIX lets // be a place of its own


def _parse(given: str) -> dict[str, Any]:
    rest = given.removesuffix(READ_ONLY)
    directory, colon, path = rest.rpartition(":")
    if not (colon and directory and path.startswith("/")):
        directory, path = rest, os.path.abspath(rest)  # noqa: PTH100 - resolve() would follow links
    mount = host_mount(directory, normal(path))
    return {**mount, "readOnly": True} if rest != given else mount
