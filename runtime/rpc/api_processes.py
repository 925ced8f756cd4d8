"""The methods on commands that run in a VM. Translation only; `runtime.vms.commands` does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api import processes
from runtime.api.errors import ApiError, ErrorCode
from runtime.large_json import content_bytes
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.processes import GetProcess, ProcessParams, Start, StopProcess, WaitProcess, WriteStdin
    from runtime.api.types import VmParams
    from runtime.rpc.facade import CommandFace, CommandsFace


@handles(processes.EXEC)
async def _exec(call: Call, params: Start) -> Any:
    command, options = params.argv or params.command or "", await _options(params)
    vm = await call.host.vm(params.vm_name)
    return await vm.commands.execute(command, **options)


@handles(processes.SPAWN)
async def _spawn(call: Call, params: Start) -> Any:
    command, options = params.argv or params.command or "", await _options(params)
    vm = await call.host.vm(params.vm_name)
    return {"pid": (await vm.commands.start(command, **options)).process.pid}


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
    commands = await call.host.commands(params.vm_name)
    return [] if commands is None else commands.known()


@handles(processes.GET_PROCESS)
async def _get(call: Call, params: GetProcess) -> Any:
    return (await _commands(call, params)).describe(params.pid, output=params.output)


async def _commands(call: Call, params: ProcessParams) -> CommandsFace:
    commands = await call.host.commands(params.vm_name)
    if commands is None:
        raise ApiError(ErrorCode.NOT_FOUND, f"there is no process {params.pid}: the VM sleeps", pid=params.pid)
    return commands


async def _find(call: Call, params: ProcessParams) -> CommandFace:
    return (await _commands(call, params)).get(params.pid)


async def _options(params: Start) -> dict[str, Any]:
    return {
        "env": params.env,
        "cwd": params.cwd,
        "stdin": None if params.stdin is None else await content_bytes(params.stdin),
        "timeout_ms": params.timeout_ms,
    }
