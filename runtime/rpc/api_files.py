"""The methods on a VM's files; none wakes the VM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.api import files
from runtime.large_json import content_bytes, large_content
from runtime.rpc.methods import Call, handles

if TYPE_CHECKING:
    from runtime.api.files import Chmod, Move, PathParams, ReadFile, Recursive, Stat, Symlink, Truncate, WriteFile


@handles(files.READ_FILE)
async def _read_file(call: Call, params: ReadFile) -> Any:
    files = await call.host.queries.files(params.vm_name)
    data = await files.read_file(params.path, params.offset, params.length)
    return {"content": await large_content(data, params.encoding)}


@handles(files.WRITE_FILE)
async def _write_file(call: Call, params: WriteFile) -> Any:
    files = await call.host.queries.files(params.vm_name)
    await files.write_file(params.path, await content_bytes(params.content), params.create_parents, params.offset)
    return {}


@handles(files.READDIR)
async def _readdir(call: Call, params: PathParams) -> Any:
    return await (await call.host.queries.files(params.vm_name)).readdir(params.path)


@handles(files.STAT)
async def _stat(call: Call, params: Stat) -> Any:
    return await (await call.host.queries.files(params.vm_name)).stat(params.path, params.follow_links)


@handles(files.EXISTS)
async def _exists(call: Call, params: PathParams) -> Any:
    return await (await call.host.queries.files(params.vm_name)).exists(params.path)


@handles(files.DELETE_FILE)
async def _delete_file(call: Call, params: Recursive) -> Any:
    await (await call.host.queries.files(params.vm_name)).delete_file(params.path, params.recursive)
    return {}


@handles(files.MKDIR)
async def _mkdir(call: Call, params: Recursive) -> Any:
    await (await call.host.queries.files(params.vm_name)).mkdir(params.path, params.recursive)
    return {}


@handles(files.MOVE)
async def _move(call: Call, params: Move) -> Any:
    await (await call.host.queries.files(params.vm_name)).move(params.source, params.to)
    return {}


@handles(files.SYMLINK)
async def _symlink(call: Call, params: Symlink) -> Any:
    await (await call.host.queries.files(params.vm_name)).symlink(params.target, params.path)
    return {}


@handles(files.READLINK)
async def _readlink(call: Call, params: PathParams) -> Any:
    return await (await call.host.queries.files(params.vm_name)).readlink(params.path)


@handles(files.CHMOD)
async def _chmod(call: Call, params: Chmod) -> Any:
    await (await call.host.queries.files(params.vm_name)).chmod(params.path, params.mode)
    return {}


@handles(files.TRUNCATE)
async def _truncate(call: Call, params: Truncate) -> Any:
    await (await call.host.queries.files(params.vm_name)).truncate(params.path, params.size)
    return {}
