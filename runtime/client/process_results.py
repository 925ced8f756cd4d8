"""What the calls of `runtime.client.vm_processes` return."""

from __future__ import annotations

import msgspec


class ProcessResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
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


class ProcessInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
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
