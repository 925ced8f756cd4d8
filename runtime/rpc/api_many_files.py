"""The methods on many files at once; none wakes the VM."""

from __future__ import annotations

from typing import Any, Final

import trio

from runtime.api import many_files
from runtime.api.errors import ApiError
from runtime.api.many_files import FileError, FileWritten, ReaddirEntries, ReaddirRecursive, ReadFiles, WriteFiles
from runtime.large_json import content_bytes, large_content
from runtime.rpc.methods import Call, handles

FILES_AT_ONCE: Final = 500
"""Between two looks at the other tasks: a quarter of a millisecond."""


@handles(many_files.READ_FILES)
async def _read_files(call: Call, params: ReadFiles) -> Any:
    found = await (await call.host.queries.files(params.vm_name)).read_files(params.paths)
    answers: list[dict[str, Any]] = []
    for path, result in found:
        if isinstance(result, ApiError):
            answers.append({"path": path, "error": _told(result)})
        else:
            answers.append({"path": path, "content": await large_content(result, params.encoding)})
        await _let_others_run(len(answers))
    return answers


@handles(many_files.WRITE_FILES)
async def _write_files(call: Call, params: WriteFiles) -> Any:
    files: list[tuple[str, bytes]] = []
    for file in params.files:
        files.append((file.path, await content_bytes(file.content)))
        await _let_others_run(len(files))
    answers: list[FileWritten] = []
    for path, error in await (await call.host.queries.files(params.vm_name)).write_files(files):
        answers.append(FileWritten(path, None if error is None else _told(error)))
        await _let_others_run(len(answers))
    return answers


@handles(many_files.READDIR_ENTRIES)
async def _readdir_entries(call: Call, params: ReaddirEntries) -> Any:
    return await (await call.host.queries.files(params.vm_name)).readdir_entries(
        params.path, params.after, params.limit
    )


@handles(many_files.READDIR_RECURSIVE)
async def _readdir_recursive(call: Call, params: ReaddirRecursive) -> Any:
    files = await call.host.queries.files(params.vm_name)
    return await files.readdir_recursive(params.path, params.max_depth, params.exclude)


async def _let_others_run(number: int) -> None:
    if number % FILES_AT_ONCE == 0:
        await trio.lowlevel.checkpoint()


def _told(error: ApiError) -> FileError:
    return FileError(error.code.value, error.message)
