"""Methods on commands that run in a VM: what they take and return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.api.content import Bytes
from runtime.api.defaults import KILL_GRACE_MS
from runtime.api.errors import ErrorCode
from runtime.api.method import Method
from runtime.api.types import EnvName, EnvValue, Fault, Millis, Timestamp, VmParams, doc

STARTING: Final = (
    ErrorCode.VM_NOT_FOUND,
    ErrorCode.NOT_FOUND,
    ErrorCode.NOT_A_DIRECTORY,
    ErrorCode.INVALID_ARGUMENT,
    ErrorCode.LIMIT_EXCEEDED,
)

NO_SUCH: Final = (ErrorCode.VM_NOT_FOUND, ErrorCode.NOT_FOUND, ErrorCode.INVALID_ARGUMENT)

Reason = Literal["exit", "trap", "fault", "out_of_fuel", "killed", "timeout", "output_limit"]


class Start(VmParams):
    """A command, as a line or as its words, and what it begins with. `timeoutMs` has it killed when it takes longer."""

    command: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        doc("The command as a line, for the VM's /bin/sh; without one it is split into words. Either this or `argv`."),
    ] = None
    argv: Annotated[
        Annotated[list[str], Meta(min_length=1)] | None,
        doc("The words of the command, the program first."),
    ] = None
    env: Annotated[
        dict[EnvName, EnvValue], doc("Variables of the process, besides PATH, HOME, USER, LANG and PWD.")
    ] = msgspec.field(default_factory=dict)
    cwd: Annotated[
        Annotated[str, Meta(min_length=1)] | None, doc("The working directory; `/home/user` when left out.")
    ] = None
    stdin: Annotated[
        str | Bytes | None,
        doc("All that the process gets to read. When left out, nothing for `exec`; for `spawn` stdin stays open."),
    ] = None
    timeout_ms: Annotated[Millis | None, doc("Kill the process after so long.")] = None

    def faults(self) -> Iterator[Fault]:
        """Also one command too few, or too many."""
        yield from super().faults()
        if (self.command is None) == (self.argv is None):
            yield "/command", "exactly one of command and argv is to be given"


class ProcessParams(VmParams):
    """Which process."""

    pid: Annotated[int, doc("The process; no other one has this number in this run of the daemon.")]


class GetProcess(ProcessParams):
    """Which process, and whether what is kept of its output is wanted."""

    output: Annotated[bool, doc("Tell what is kept of its output, too.")] = False


class WriteStdin(ProcessParams):
    """Which process, and what it is to read."""

    data: Annotated[str | Bytes, doc("What the process is to read: a string, or bytes as `{base64}`.")]


class WaitProcess(ProcessParams):
    """Which process, and how long to wait; it goes on afterwards."""

    timeout_ms: Annotated[Millis | None, doc("Wait for so long at most. Without it for ever.")] = None


class StopProcess(ProcessParams):
    """Which process, and how long it has to end by itself."""

    grace_ms: Annotated[Millis, doc("How long the process has to end by itself. Default: 5 s.")] = KILL_GRACE_MS


class Spawned(Struct, frozen=True):
    """A process that was started."""

    pid: Annotated[int, doc("The process; no other one has this number in this run of the daemon.")]


class ProcessResult(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """How a process ended, and its output: where it is `truncated`, the last of it. `exitCode` is null unless it exited."""

    pid: Annotated[int, doc("The process; no other one has this number in this run of the daemon.")]
    exit_code: Annotated[int | None, doc("What the process exited with; null when it ended in another way.")]
    reason: Annotated[Reason, doc("How it ended: `exit`, or what ended it.")]
    stdout: Annotated[str | Bytes, doc("What is kept of its output: a string, or bytes as `{base64}`.")]
    stderr: Annotated[str | Bytes, doc("What is kept of its messages: a string, or bytes as `{base64}`.")]
    stdout_bytes: Annotated[int, doc("Bytes of output so far, kept or not.")]
    stderr_bytes: Annotated[int, doc("Bytes of messages so far, kept or not.")]
    truncated: Annotated[bool, doc("Whether only the end of the output was kept.")]
    detail: Annotated[str | None, doc("The same in words, where there is more to say.")] = None


class ProcessInfo(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """A process: an agent, a service that lives with one, or a command. How it ended, where `state` says that it has."""

    pid: Annotated[int, doc("The process; no other one has this number in this run of the daemon.")]
    argv: Annotated[list[str], doc("The words of the command, the program first.")]
    cwd: Annotated[str, doc("The working directory.")]
    kind: Annotated[
        Literal["agent", "service", "command"], doc("`agent`, `service` (it lives with an agent) or `command`.")
    ]
    state: Annotated[Literal["running", "ended"], doc("`running` or `ended`.")]
    started_at: Annotated[Timestamp, doc("When it was started, in milliseconds since the epoch.")]
    memory_bytes: Annotated[int, doc("Bytes of its memories and tables, touched or not; 0 once it has ended.")]
    peak_memory_bytes: Annotated[int, doc("The most that it has had.")]
    ppid: Annotated[int | None, doc("The process that has started it, if one has and runs.")] = None
    ended_at: Annotated[Timestamp | None, doc("When it ended, in milliseconds since the epoch.")] = None
    exit_code: Annotated[int | None, doc("What the process exited with; null when it ended in another way.")] = None
    reason: Annotated[Reason | None, doc("How it ended: `exit`, or what ended it.")] = None
    detail: Annotated[str | None, doc("The same in words, where there is more to say.")] = None
    stdout: Annotated[str | Bytes | None, doc("What is kept of its output: a string, or bytes as `{base64}`.")] = None
    stderr: Annotated[str | Bytes | None, doc("What is kept of its messages: a string, or bytes as `{base64}`.")] = None
    stdout_bytes: Annotated[int | None, doc("Bytes of output so far, kept or not.")] = None
    stderr_bytes: Annotated[int | None, doc("Bytes of messages so far, kept or not.")] = None
    truncated: Annotated[bool | None, doc("Whether only the end of the output was kept.")] = None


EXEC: Final = Method(
    "exec",
    Start,
    ProcessResult,
    "Run a command to its end and return its output; wakes the VM.",
    errors=(
        *STARTING,
        ErrorCode.TIMEOUT,
    ),
    settles=True,
)

SPAWN: Final = Method(
    "spawn",
    Start,
    Spawned,
    "Start a command and return at once; wakes the VM.",
    errors=STARTING,
)

WRITE_PROCESS_STDIN: Final = Method(
    "writeProcessStdin",
    WriteStdin,
    dict[str, Any],
    "Give a process something to read; returns when there was room for it.",
    errors=NO_SUCH,
)

CLOSE_PROCESS_STDIN: Final = Method(
    "closeProcessStdin",
    ProcessParams,
    dict[str, Any],
    "Let a process read the end of its stdin; idempotent.",
    errors=NO_SUCH,
)

WAIT_PROCESS: Final = Method(
    "waitProcess",
    WaitProcess,
    ProcessResult,
    "Wait until a process has ended; return how, and its output.",
    errors=(
        *NO_SUCH,
        ErrorCode.TIMEOUT,
    ),
    settles=True,
)

STOP_PROCESS: Final = Method(
    "stopProcess",
    StopProcess,
    ProcessResult,
    "Ask a process to end, by the end of its stdin, and kill it after the grace; returns when it is gone.",
    errors=NO_SUCH,
    settles=True,
)

KILL_PROCESS: Final = Method(
    "killProcess",
    ProcessParams,
    ProcessResult,
    "End a process now; returns when it is gone.",
    errors=NO_SUCH,
    settles=True,
)

LIST_PROCESSES: Final = Method(
    "listProcesses",
    VmParams,
    list[ProcessInfo],
    "List the processes that run, and commands that have ended lately; wakes nothing.",
    errors=(ErrorCode.VM_NOT_FOUND,),
    returns="One row a process, by pid.",
)

GET_PROCESS: Final = Method(
    "getProcess",
    GetProcess,
    ProcessInfo,
    "Describe a process; wakes nothing.",
    errors=NO_SUCH,
)
