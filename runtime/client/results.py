"""Results of calls that are others here than on the wire: bytes are bytes, and what an agent has told of usage is as it came.

All other results are the records of `runtime.api`. Members that a newer daemon adds are left out, not an error.
"""

from __future__ import annotations

from typing import Any

import msgspec

from runtime.api.many_files import FileError


class _Result(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base: attributes in snake_case, in camelCase on the wire."""


class SessionRow(_Result, frozen=True):
    """A session as it is stored; `status` is `running`, `idle`, `suspended` or `closed`."""

    session_id: str
    agent_type: str
    status: str
    cwd: str
    last_seq: int
    created_at: int
    updated_at: int
    title: str | None = None
    capabilities: dict[str, Any] | None = None
    agent_info: dict[str, Any] | None = None
    usage: dict[str, Any] = {}
    """What the agent has told: `tokens`, `cost` by currency, and `context`; each None where it has not."""


class FileRead(_Result, frozen=True):
    """A file's content, or why there is none."""

    path: str
    content: str | bytes | None = None
    error: FileError | None = None


class ProcessResult(_Result, frozen=True):
    """How a process ended, and its output: where it is `truncated`, the last of so many bytes.

    `exit_code` is None unless it exited; `reason` is `exit`, `trap`, `fault`, `out_of_fuel`, `killed`, `timeout` or
    `output_limit`.
    """

    pid: int
    exit_code: int | None
    reason: str
    stdout: str | bytes
    stderr: str | bytes
    stdout_bytes: int
    stderr_bytes: int
    truncated: bool
    detail: str | None = None


class ProcessInfo(_Result, frozen=True):
    """A process: `kind` is `agent`, `service` or `command`, and `state` is `running` or `ended`. Times in milliseconds.

    The bytes of its memories and tables, now and at most, are None where an older daemon does not tell.
    """

    pid: int
    argv: list[str]
    cwd: str
    kind: str
    state: str
    started_at: int
    memory_bytes: int | None = None
    peak_memory_bytes: int | None = None
    ended_at: int | None = None
    exit_code: int | None = None
    reason: str | None = None
    detail: str | None = None
    stdout: str | bytes | None = None
    stderr: str | bytes | None = None
    stdout_bytes: int | None = None
    stderr_bytes: int | None = None
    truncated: bool | None = None
