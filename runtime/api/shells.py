"""Methods on shells, which are commands on a terminal of their own: what they take and return."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from runtime.api.content import Bytes
from runtime.api.defaults import COLUMNS, KILL_GRACE_MS, ROWS
from runtime.api.errors import ErrorCode
from runtime.api.limits import MAX_SHELL_NAME, MAX_SIDE
from runtime.api.method import Method
from runtime.api.processes import NO_SUCH, STARTING, Reason
from runtime.api.types import EnvName, EnvValue, Millis, VmParams, doc

Side = Annotated[int, Meta(ge=1, le=MAX_SIDE)]


class OpenShell(VmParams):
    """What runs on the new terminal, what it begins with, and the terminal's size."""

    argv: Annotated[
        Annotated[list[str], Meta(min_length=1)] | None,
        doc(
            "The words of the command, the program first; the VM's /bin/bash when left out, or /bin/sh where it has none."
        ),
    ] = None
    env: Annotated[
        dict[EnvName, EnvValue],
        doc("Variables of the process, besides PATH, HOME, USER, LANG, PWD and TERM (`xterm`)."),
    ] = msgspec.field(default_factory=dict)
    cwd: Annotated[
        Annotated[str, Meta(min_length=1)] | None, doc("The working directory; `/home/user` when left out.")
    ] = None
    rows: Annotated[Side, doc("Rows of the terminal. Default: 24.")] = ROWS
    columns: Annotated[Side, doc("Columns of the terminal. Default: 80.")] = COLUMNS


class ShellParams(VmParams):
    """Which shell."""

    shell: Annotated[Annotated[str, Meta(max_length=MAX_SHELL_NAME)], doc("The shell, as `openShell` has named it.")]


class WriteShell(ShellParams):
    """Which shell, and what is typed."""

    data: Annotated[str | Bytes, doc("What is typed: a string, or bytes as `{base64}`. A line ends with `\\r`.")]


class ResizeShell(ShellParams):
    """Which shell, and the size of its terminal."""

    rows: Annotated[Side, doc("Rows of the terminal.")]
    columns: Annotated[Side, doc("Columns of the terminal.")]


class CloseShell(ShellParams):
    """Which shell, and how long it has to end by itself."""

    grace_ms: Annotated[Millis, doc("How long the shell has to end by itself. Default: 5 s.")] = KILL_GRACE_MS


class WaitShell(ShellParams):
    """Which shell, and how long to wait; it goes on afterwards."""

    timeout_ms: Annotated[Millis | None, doc("Wait for so long at most. Without it for ever.")] = None


class Shell(Struct, frozen=True):
    """A shell that was opened."""

    shell: Annotated[str, doc("The shell; no other one has this name in this run of the daemon.")]
    pid: Annotated[int, doc("Its first process.")]


class ShellExit(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """How a shell ended. `exitCode` is null unless it exited."""

    shell: Annotated[str, doc("The shell; no other one has this name in this run of the daemon.")]
    pid: Annotated[int, doc("Its first process.")]
    exit_code: Annotated[int | None, doc("What the process exited with; null when it ended in another way.")]
    reason: Annotated[Reason, doc("How it ended: `exit`, or what ended it.")]
    detail: Annotated[str | None, doc("The same in words, where there is more to say.")] = None


OPEN_SHELL: Final = Method(
    "openShell",
    OpenShell,
    Shell,
    "Start a command on a terminal of its own and return at once; wakes the VM.",
    errors=STARTING,
)

WRITE_SHELL: Final = Method(
    "writeShell",
    WriteShell,
    dict[str, Any],
    "Type at a shell's terminal; returns when there was room for it.",
    errors=NO_SUCH,
)

RESIZE_SHELL: Final = Method(
    "resizeShell",
    ResizeShell,
    dict[str, Any],
    "Change the size of a shell's terminal, of which its programs are told.",
    errors=NO_SUCH,
)

CLOSE_SHELL: Final = Method(
    "closeShell",
    CloseShell,
    ShellExit,
    "Hang up a shell's terminal, and kill what has not ended after the grace; returns when it is gone.",
    errors=NO_SUCH,
    settles=True,
)

WAIT_SHELL: Final = Method(
    "waitShell",
    WaitShell,
    ShellExit,
    "Wait until a shell has ended; return how.",
    errors=(
        *NO_SUCH,
        ErrorCode.TIMEOUT,
    ),
    settles=True,
)
