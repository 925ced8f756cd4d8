"""The host directories that a VM's creator names: which may be, and that they are there.

The wire form is parsed without a look at the host, so that a VM whose directory is gone wakes all the same.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, Any, Final

from runtime.api.errors import ApiError, ErrorCode
from runtime.engine import default_cache_directory
from runtime.exhaustion import check_exhausted
from runtime.sessions.operations.resume import THREADS
from runtime.sessions.options import instructions
from runtime.vms.base import added_directory
from wasi_fs import Mount
from wasi_fs.mounts import open_top
from wasi_fs.values import NAME_MAX, PATH_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MAX_POINT_NAMES: Final = 32
"""Names in the path of a mount, which are looked up one after another at each wake."""

_OURS: Final = (instructions.DIRECTORY, posixpath.dirname(THREADS))
"""What the daemon itself writes in the VM: instructions, and transcripts for agents that cannot restore sessions."""


_KERNEL: Final = ("/proc", "/sys")
"""Files there are the kernel's state: one of them is the daemon's environment."""


def parse_mounts(wire: Sequence[dict[str, Any]]) -> tuple[Mount, ...]:
    """From `options.mounts`, whose shape the RPC layer has checked. Raises ApiError INVALID_ARGUMENT."""
    mounts: list[Mount] = []
    for number, each in enumerate(wire):
        member = f"options.mounts[{number}]"
        mount = Mount(each["path"], each["host"], bool(each.get("readOnly")))
        _check_normal(mount.path, f"{member}.path")
        if mount.path.count("/") > MAX_POINT_NAMES:
            raise _refusal(f"{member}.path", f"at most {MAX_POINT_NAMES} directories in one another")
        _check_normal(mount.host, f"{member}.host")
        if mount.path == "/":
            raise _refusal(f"{member}.path", "the VM's root cannot be a host directory")
        for ours in _OURS:
            if _within(mount.path, ours) or _within(ours, mount.path):
                raise _refusal(f"{member}.path", f"{ours} belongs to the runtime")
        for before, other in enumerate(mounts):
            if mount.path == other.path:
                raise _refusal(f"{member}.path", f"options.mounts[{before}] is there already")
            if _within(mount.path, other.path) or _within(other.path, mount.path):
                raise _refusal(f"{member}.path", f"one mount cannot lie in another, options.mounts[{before}]")
        mounts.append(mount)
    return tuple(mounts)


def check_hosts(mounts: Sequence[Mount], state: Path, known: Iterable[Mount] = ()) -> None:
    """Look whether the directories are there and may be mounted; those that are `known` have been looked at.

    Raises ApiError INVALID_ARGUMENT.
    """
    hosts = {mount.host for mount in known}
    for number, mount in enumerate(mounts):
        if mount.host not in hosts and (fault := host_fault(mount.host, state)):
            raise _refusal(f"options.mounts[{number}].host", fault)


def host_fault(host: str, state: Path) -> str | None:
    """Why no VM may see this directory; None where it may. `state` is the daemon's state file."""
    real = os.path.realpath(host)
    try:
        os.close(open_top(real))
    except OSError as error:
        check_exhausted(error)
        return f"{host}: {error.strerror}"
    if any(_within(real, each) for each in _KERNEL):
        return f"{host} is not a directory on a disk, but the kernel's own"
    if real != host:
        return f"{host} leads through a symbolic link: give its real path, {real}"
    if not os.access(host, os.R_OK | os.X_OK):
        return f"{host}: the daemon may not read it"
    # The state file is all VMs, and added commands run in all of them; with the compiled components and their key a VM could
    # run code in the daemon.
    for ours in map(os.path.realpath, (state, added_directory(state), default_cache_directory())):
        if _within(ours, host) or _within(host, ours):
            return f"{host} holds what is the daemon's own, {ours}"
    return None


def _check_normal(path: str, member: str) -> None:
    """Absolute, and written the one way that leaves nothing to be resolved."""
    try:
        data = path.encode()
    except UnicodeEncodeError:
        raise _refusal(member, "not UTF-8") from None
    if not path.startswith("/") or path != "/" + posixpath.normpath(path).lstrip("/") or "\0" in path:
        raise _refusal(member, f"{path!r} is not an absolute path without `.`, `..` and doubled or trailing slashes")
    if len(data) >= PATH_MAX or any(len(name) > NAME_MAX for name in data.split(b"/")):
        raise _refusal(member, "too long")


def _within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _refusal(member: str, reason: str) -> ApiError:
    pointer = "/" + member.replace("]", "").replace("[", "/").replace(".", "/")
    return ApiError(ErrorCode.INVALID_ARGUMENT, f"{member}: {reason}", pointer=pointer)
