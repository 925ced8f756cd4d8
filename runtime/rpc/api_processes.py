"""The methods on commands that run in a VM. Translation only; `runtime.vms.commands` does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from runtime.api.content import Bytes  # noqa: TC001 - a member of structs
from runtime.api.defaults import KILL_GRACE_MS
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.types import EnvName, EnvValue, Millis, Timestamp, VmParams
from runtime.large_json import content_bytes
from runtime.rpc.methods import Call, MethodTable
from runtime.rpc.validation import invalid_params

if TYPE_CHECKING:
    from runtime.rpc.facade import CommandFace, CommandsFace

METHODS: Final = MethodTable()


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

    command: Annotated[str, Meta(min_length=1)] | None = None
    argv: Annotated[list[str], Meta(min_length=1)] | None = None
    env: dict[EnvName, EnvValue] = msgspec.field(default_factory=dict)
    cwd: Annotated[str, Meta(min_length=1)] | None = None
    stdin: str | Bytes | None = None
    timeout_ms: Millis | None = None


class ProcessParams(VmParams):
    """Which process."""

    pid: int


class GetProcess(ProcessParams):
    """Which process, and whether what is kept of its output is wanted."""

    output: bool = False


class WriteStdin(ProcessParams):
    """Which process, and what it is to read."""

    data: str | Bytes


class WaitProcess(ProcessParams):
    """Which process, and how long to wait; it goes on afterwards."""

    timeout_ms: Millis | None = None


class StopProcess(ProcessParams):
    """Which process, and how long it has to end by itself."""

    grace_ms: Millis = KILL_GRACE_MS


class Spawned(Struct):
    """A process that was started."""

    pid: int


class ProcessResult(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """How a process ended, and its output: where it is `truncated`, the last of it. `exitCode` is null unless it exited."""

    pid: int
    exit_code: int | None
    reason: Reason
    stdout: str | Bytes
    stderr: str | Bytes
    stdout_bytes: int
    stderr_bytes: int
    truncated: bool
    detail: str | None = None


class ProcessInfo(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A process: an agent, a service that lives with one, or a command. How it ended, where `state` says that it has."""

    pid: int
    argv: list[str]
    cwd: str
    kind: Literal["agent", "service", "command"]
    state: Literal["running", "ended"]
    started_at: Timestamp
    memory_bytes: int
    peak_memory_bytes: int
    ended_at: Timestamp | None = None
    exit_code: int | None = None
    reason: Reason | None = None
    detail: str | None = None
    stdout: str | Bytes | None = None
    stderr: str | Bytes | None = None
    stdout_bytes: int | None = None
    stderr_bytes: int | None = None
    truncated: bool | None = None


@METHODS.method(
    "exec",
    Start,
    ProcessResult,
    "Run a command to its end and return its output; wakes the VM.",
    *STARTING,
    ErrorCode.TIMEOUT,
    settles=True,
)
async def _exec(call: Call, params: Start) -> Any:
    command, options = _command(params), await _options(params)
    vm = await call.host.vm(params.vm_name)
    return await vm.commands.execute(command, **options)


@METHODS.method("spawn", Start, Spawned, "Start a command and return at once; wakes the VM.", *STARTING)
async def _spawn(call: Call, params: Start) -> Any:
    command, options = _command(params), await _options(params)
    vm = await call.host.vm(params.vm_name)
    return {"pid": (await vm.commands.start(command, **options)).process.pid}


@METHODS.method(
    "writeProcessStdin",
    WriteStdin,
    dict[str, Any],
    "Give a process something to read; returns when there was room for it.",
    *NO_SUCH,
)
async def _write_stdin(call: Call, params: WriteStdin) -> Any:
    await (await _find(call, params)).write(await content_bytes(params.data))
    return {}


@METHODS.method(
    "closeProcessStdin", ProcessParams, dict[str, Any], "Let a process read the end of its stdin; idempotent.", *NO_SUCH
)
async def _close_stdin(call: Call, params: ProcessParams) -> Any:
    await (await _find(call, params)).close_stdin()
    return {}


@METHODS.method(
    "waitProcess",
    WaitProcess,
    ProcessResult,
    "Wait until a process has ended; return how, and its output.",
    *NO_SUCH,
    ErrorCode.TIMEOUT,
    settles=True,
)
async def _wait(call: Call, params: WaitProcess) -> Any:
    command = await _find(call, params)
    await command.wait(params.timeout_ms)
    return command.result()


@METHODS.method(
    "stopProcess",
    StopProcess,
    ProcessResult,
    "Ask a process to end, by the end of its stdin, and kill it after the grace; returns when it is gone.",
    *NO_SUCH,
    settles=True,
)
async def _stop(call: Call, params: StopProcess) -> Any:
    commands = await _commands(call, params)
    command = commands.get(params.pid)
    commands.stop_soon(command, params.grace_ms)
    await command.wait(None)
    return command.result()


@METHODS.method(
    "killProcess", ProcessParams, ProcessResult, "End a process now; returns when it is gone.", *NO_SUCH, settles=True
)
async def _kill(call: Call, params: ProcessParams) -> Any:
    command = await _find(call, params)
    command.kill()
    await command.wait(None)
    return command.result()


@METHODS.method(
    "listProcesses",
    VmParams,
    list[ProcessInfo],
    "List the processes that run, and commands that have ended lately; wakes nothing.",
    ErrorCode.VM_NOT_FOUND,
)
async def _list(call: Call, params: VmParams) -> Any:
    commands = await call.host.commands(params.vm_name)
    return [] if commands is None else commands.known()


@METHODS.method("getProcess", GetProcess, ProcessInfo, "Describe a process; wakes nothing.", *NO_SUCH)
async def _get(call: Call, params: GetProcess) -> Any:
    return (await _commands(call, params)).describe(params.pid, output=params.output)


async def _commands(call: Call, params: ProcessParams) -> CommandsFace:
    commands = await call.host.commands(params.vm_name)
    if commands is None:
        raise ApiError(ErrorCode.NOT_FOUND, f"there is no process {params.pid}: the VM sleeps", pid=params.pid)
    return commands


async def _find(call: Call, params: ProcessParams) -> CommandFace:
    return (await _commands(call, params)).get(params.pid)


def _command(params: Start) -> str | list[str]:
    given = params.command if params.argv is None else params.argv
    if given is None or (params.command is not None and params.argv is not None):
        raise invalid_params(("/command", "exactly one of command and argv is to be given"))
    return given


async def _options(params: Start) -> dict[str, Any]:
    return {
        "env": params.env,
        "cwd": params.cwd,
        "stdin": None if params.stdin is None else await content_bytes(params.stdin),
        "timeout_ms": params.timeout_ms,
    }
