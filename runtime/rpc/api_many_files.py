"""The methods on many files at once; none wakes the VM."""

from __future__ import annotations

from typing import Any

from runtime.api import many_files
from runtime.api.content import as_content
from runtime.api.errors import ApiError
from runtime.api.many_files import FileError, FileWritten, ReaddirEntries, ReaddirRecursive, ReadFiles, WriteFiles
from runtime.large_json import content_bytes
from runtime.rpc.methods import Call, handles


@handles(many_files.READ_FILES)
async def _read_files(call: Call, params: ReadFiles) -> Any:
    found = await (await call.host.queries.files(params.vm_name)).read_files(params.paths)
    return [
        {"path": path, "error": _told(result)}
        if isinstance(result, ApiError)
        else {"path": path, "content": as_content(result, params.encoding)}
        for path, result in found
    ]


@handles(many_files.WRITE_FILES)
async def _write_files(call: Call, params: WriteFiles) -> Any:
    files = [(file.path, await content_bytes(file.content)) for file in params.files]
    done = await (await call.host.queries.files(params.vm_name)).write_files(files)
    return [FileWritten(path, None if error is None else _told(error)) for path, error in done]


@handles(many_files.READDIR_ENTRIES)
async def _readdir_entries(call: Call, params: ReaddirEntries) -> Any:
    return await (await call.host.queries.files(params.vm_name)).readdir_entries(
        params.path, params.after, params.limit
    )


@handles(many_files.READDIR_RECURSIVE)
async def _readdir_recursive(call: Call, params: ReaddirRecursive) -> Any:
    files = await call.host.queries.files(params.vm_name)
    return await files.readdir_recursive(params.path, params.max_depth, params.exclude)


def _told(error: ApiError) -> FileError:
    return FileError(error.code.value, error.message)
