"""Which VM a workspace has, and what a session of the editor is to us."""

from __future__ import annotations

import hashlib
import posixpath
import re
import time
from dataclasses import dataclass
from typing import Any, Final

from runtime.cli.acp.errors import RefusedError
from runtime.cli.acp.wire import INVALID_PARAMS

LABEL: Final = "torpor.acp/workspace"
"""The label of a VM that belongs to a workspace: the workspace's path, as far as a label can hold it."""
MAX_LABEL: Final = 1024  # characters: what the API takes
STEM: Final = 40  # characters of a workspace's own name in that of its VM: enough to know it by
DIGEST: Final = 12  # hexadecimal digits of the path's hash: no two workspaces of one person will share them

Name = str | list[str]


@dataclass(eq=False)
class Session:
    """A session that the editor has open."""

    vm: Name
    id: str
    last_seq: int = -1
    """The last event that was forwarded, or passed over."""
    following: bool = False
    """Events will come: there is a subscription, or one is being made."""
    subscription: str | None = None
    prompting: bool = False
    """A prompt of the editor is under way."""
    prompt: int | str | None = None
    """The id of the editor's last prompt."""
    cancelling: bool = False
    """The editor has cancelled it."""
    too_early: bool = False
    """The daemon had not begun the turn when it was told to cancel it."""

    @property
    def ids(self) -> dict[str, Any]:
        """The params that name it to the daemon."""
        return {"vm": self.vm, "sessionId": self.id}


def absolute_path(params: dict[str, Any], member: str) -> str:
    """Return a path of the params. Raises RefusedError unless it is absolute, as ACP demands."""
    path = params.get(member)
    if not isinstance(path, str) or not path.startswith("/"):
        raise RefusedError(INVALID_PARAMS, f"Invalid params: {member} is an absolute path, not {path!r}")
    return path


def workspace_vm(cwd: str) -> str:
    """Return the name of the VM of the workspace at `cwd`: always the same for the same place."""
    path = _normal(cwd)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", posixpath.basename(path)).strip("-")[:STEM] or "root"
    return f"acp-{stem}-{hashlib.sha256(path.encode(errors='surrogatepass')).hexdigest()[:DIGEST]}"


def workspace_labels(cwd: str) -> dict[str, str]:
    """Return the labels by which `session/list` finds the VM again."""
    return {LABEL: _normal(cwd)[:MAX_LABEL]}


def session_info(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `listPersistedSessions` as ACP's SessionInfo."""
    info = {"sessionId": row["sessionId"], "cwd": row["cwd"], "updatedAt": _iso(row["updatedAt"])}
    return {**info, "title": row["title"]} if row.get("title") else info


def setup(made: dict[str, Any]) -> dict[str, Any]:
    """Return what `createSession` and `resumeSession` say of modes and options; what the agent has not is left out."""
    return {name: made[name] for name in ("modes", "configOptions") if made.get(name)}


def _normal(path: str) -> str:
    return "/" + posixpath.normpath(path).lstrip("/")  # POSIX lets // be a place of its own


def _iso(millis: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(millis // 1000)) + f".{millis % 1000:03d}Z"
