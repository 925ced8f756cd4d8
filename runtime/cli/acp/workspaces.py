"""Which VM a workspace has, and what a session of the editor is to us."""

from __future__ import annotations

import hashlib
import posixpath
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from runtime.api.limits import MAX_LABEL, MAX_PATH
from runtime.cli.acp.errors import RefusedError
from runtime.cli.acp.terminals import Terminals
from runtime.cli.mounts import normal
from runtime.jsonrpc import INVALID_PARAMS

if TYPE_CHECKING:
    from runtime.cli.acp.wire import Id

LABEL: Final = "torpor.acp/workspace"
"""The label of a VM that belongs to a workspace: the workspace's path, as far as a label can hold it."""

STEM: Final = 40
"""Characters of a workspace's own name in that of its VM: enough to know it by."""

MOUNTED: Final = "-host"
"""Ends the names of VMs that have the workspace mounted; other names end with the hash."""

DIGEST: Final = 12
"""Hexadecimal digits of the path's hash: no two workspaces of one person will share them."""

Name = str | list[str]


@dataclass(eq=False, slots=True)
class Prompt:
    """A prompt of the editor's."""

    id: Id
    """The id of its request."""
    cancelled: bool = False
    """The editor wants it no longer."""
    begun: bool = False
    """The daemon has been asked for it."""
    too_early: bool = False
    """The daemon had not begun the turn when it was told to cancel it."""


@dataclass(eq=False)
class Session:
    """A session that the editor has open."""

    vm: Name
    id: str
    cwd: str
    last_seq: int = -1
    """The last event that was forwarded, or passed over."""
    following: bool = False
    """Events will come: there is a subscription, or one is being made."""
    subscription: str | None = None
    terminals: Terminals = field(init=False)
    serving: str | None = None
    """As which the editor serves its files."""
    in_turn: bool = False
    """A turn is in progress, as far as events have come."""
    prompts: list[Prompt] = field(default_factory=list)
    """The editor's prompts that are not answered, in their order: the daemon has the first, the others wait for their turn."""
    cancels: int = 0
    """Cancels that the daemon has not answered: a prompt that it got now might be taken for the one that they are for."""

    def __post_init__(self) -> None:
        self.terminals = Terminals(self.id)

    @property
    def prompting(self) -> bool:
        """Whether a prompt of the editor is under way."""
        return bool(self.prompts)

    @property
    def cancelling(self) -> bool:
        """Whether the editor has cancelled it."""
        return bool(self.prompts) and self.prompts[0].cancelled

    def is_free_for(self, prompt: Prompt) -> bool:
        """Whether it is the prompt's turn; one that was cancelled before waits no longer."""
        return prompt.cancelled or (self.prompts[0] is prompt and not self.cancels)

    def has_forwarded(self, seq: int) -> bool:
        """Whether the editor knows the event `seq`, or will not hear of it: updates come before the answer they belong to."""
        return not self.following or self.last_seq >= seq

    @property
    def ids(self) -> dict[str, Any]:
        """The params that name it to the daemon."""
        return {"vm": self.vm, "sessionId": self.id}


def absolute_path(params: dict[str, Any], member: str) -> str:
    """Return a path of the params in its normal form. Raises RefusedError unless it is absolute, as ACP demands."""
    path = params.get(member)
    if not isinstance(path, str) or not path.startswith("/") or "\0" in path:
        raise RefusedError(INVALID_PARAMS, f"Invalid params: {member} is an absolute path, not {path!r}")
    if len(path.encode(errors="surrogatepass")) > MAX_PATH:
        raise RefusedError(INVALID_PARAMS, f"Invalid params: {member} is a path of at most {MAX_PATH} bytes")
    return normal(path)


def workspace_vm(cwd: str, *, mounted: bool = False) -> str:
    """Return the name of the VM of the workspace at `cwd`: always the same for the same place.

    `mounted`: the VM in which the workspace is the editor's own, which is never that of an agent without `--workspace`.
    """
    path = normal(cwd)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", posixpath.basename(path)).strip("-")[:STEM] or "root"
    name = f"acp-{stem}-{hashlib.sha256(path.encode(errors='surrogatepass')).hexdigest()[:DIGEST]}"
    return name + MOUNTED if mounted else name


def workspace_labels(cwd: str) -> dict[str, str]:
    """Return the labels by which `session/list` finds the VM again."""
    return {LABEL: normal(cwd)[:MAX_LABEL]}


def is_workspace(row: dict[str, Any], *, mounted: bool) -> bool:
    """Whether a row of `vm.list` is the VM of a workspace, of that kind."""
    options = row.get("options") or {}
    return LABEL in (options.get("labels") or {}) and str(row["vm"]).endswith(MOUNTED) == mounted


def with_mounts(found: dict[str, Any], wanted: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Return the mounts that a VM must get to have those that are wanted, None where it has them.

    Raises RefusedError where another one is in the place of one.
    """
    mounts: list[dict[str, Any]] = (found.get("options") or {}).get("mounts") or []
    have = {mount["path"]: mount for mount in mounts}
    for mount in wanted:
        if have.get(mount["path"], mount) != mount:
            message = f"the VM has {have[mount['path']]['host']} at {mount['path']}, or with other rights"
            raise RefusedError(INVALID_PARAMS, f"{message}: vm.configure changes that")
    missing = [mount for mount in wanted if mount["path"] not in have]
    return mounts + missing if missing else None


def session_info(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `listPersistedSessions` as ACP's SessionInfo."""
    info = {"sessionId": row["sessionId"], "cwd": row["cwd"], "updatedAt": _iso(row["updatedAt"])}
    return {**info, "title": row["title"]} if row.get("title") else info


def _iso(millis: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(millis // 1000)) + f".{millis % 1000:03d}Z"
