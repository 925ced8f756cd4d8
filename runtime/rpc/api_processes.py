"""The methods on commands that run in a VM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from runtime.api import processes
from runtime.api.errors import ApiError, ErrorCode
from runtime.large_json import content_bytes
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.processes import GetProcess, ProcessParams, Start, StopProcess, WaitProcess, WriteStdin
    from runtime.api.types import VmParams
    from runtime.vms.command import Command
    from runtime.vms.commands import Commands


class StartOptions(TypedDict):
    """The start of a command, apart from its words."""

    env: dict[str, str]
    cwd: str | None
    stdin: bytes | None
    timeout_ms: int | None


@handles(processes.EXEC)
async def _exec(call: Call, params: Start) -> Any:
    command, options = await _start(params)
    return await call.host.use(params.vm_name, lambda vm: vm.commands.execute(command, **options))


@handles(processes.SPAWN)
async def _spawn(call: Call, params: Start) -> Any:
    command, options = await _start(params)
    started = await call.host.use(params.vm_name, lambda vm: vm.commands.start(command, **options))
    return {"pid": started.process.pid}


@handles(processes.WRITE_PROCESS_STDIN)
async def _write_stdin(call: Call, params: WriteStdin) -> Any:
    await (await _find(call, params)).write(await content_bytes(params.data))
    return {}


@handles(processes.CLOSE_PROCESS_STDIN)
async def _close_stdin(call: Call, params: ProcessParams) -> Any:
    await (await _find(call, params)).close_stdin()
    return {}


@handles(processes.WAIT_PROCESS)
async def _wait(call: Call, params: WaitProcess) -> Any:
    command = await _find(call, params)
    await command.wait(params.timeout_ms)
    return command.result()


@handles(processes.STOP_PROCESS)
async def _stop(call: Call, params: StopProcess) -> Any:
    commands = await _commands(call, params)
    command = commands.get(params.pid)
    commands.stop_soon(command, params.grace_ms)
    await command.wait(None)
    return command.result()


@handles(processes.KILL_PROCESS)
async def _kill(call: Call, params: ProcessParams) -> Any:
    command = await _find(call, params)
    command.kill()
    await command.wait(None)
    return command.result()


@handles(processes.LIST_PROCESSES)
async def _list(call: Call, params: VmParams) -> Any:
    commands = await call.host.queries.commands(params.vm_name)
    return [] if commands is None else commands.known()


@handles(processes.GET_PROCESS)
async def _get(call: Call, params: GetProcess) -> Any:
    return (await _commands(call, params)).describe(params.pid, output=params.output)


async def _commands(call: Call, params: ProcessParams) -> Commands:
    commands = await call.host.queries.commands(params.vm_name)
    if commands is None:
        raise ApiError(ErrorCode.NOT_FOUND, f"there is no process {params.pid}: the VM sleeps", pid=params.pid)
    return commands


async def _find(call: Call, params: ProcessParams) -> Command:
    return (await _commands(call, params)).get(params.pid)


async def _start(params: Start) -> tuple[str | list[str], StartOptions]:
    stdin = None if params.stdin is None else await content_bytes(params.stdin)
    options = StartOptions(env=params.env, cwd=params.cwd, stdin=stdin, timeout_ms=params.timeout_ms)
    return params.argv or params.command or "", options
