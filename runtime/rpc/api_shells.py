"""The methods on shells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api import shells
from runtime.api.errors import ApiError, ErrorCode
from runtime.large_json import content_bytes
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.shells import CloseShell, OpenShell, ResizeShell, ShellParams, WaitShell, WriteShell
    from runtime.vms.commands import Commands
    from runtime.vms.shell import Shell


@handles(shells.OPEN_SHELL)
async def _open(call: Call, params: OpenShell) -> Any:
    size = params.rows, params.columns
    shell = await call.host.use(
        params.vm_name, lambda vm: vm.commands.open_shell(params.argv, env=params.env, cwd=params.cwd, size=size)
    )
    return shell.names()


@handles(shells.WRITE_SHELL)
async def _write(call: Call, params: WriteShell) -> Any:
    await (await _find(call, params)).write(await content_bytes(params.data))
    return {}


@handles(shells.RESIZE_SHELL)
async def _resize(call: Call, params: ResizeShell) -> Any:
    (await _find(call, params)).resize(params.rows, params.columns)
    return {}


@handles(shells.CLOSE_SHELL)
async def _close(call: Call, params: CloseShell) -> Any:
    commands = await _commands(call, params)
    shell = commands.shell(params.shell)
    commands.stop_soon(shell, params.grace_ms)
    await shell.wait(None)
    return shell.how()


@handles(shells.WAIT_SHELL)
async def _wait(call: Call, params: WaitShell) -> Any:
    shell = await _find(call, params)
    await shell.wait(params.timeout_ms)
    return shell.how()


async def _commands(call: Call, params: ShellParams) -> Commands:
    commands = await call.host.queries.commands(params.vm_name)
    if commands is None:
        raise ApiError(ErrorCode.NOT_FOUND, f"there is no shell {params.shell}: the VM sleeps", shell=params.shell)
    return commands


async def _find(call: Call, params: ShellParams) -> Shell:
    return (await _commands(call, params)).shell(params.shell)
