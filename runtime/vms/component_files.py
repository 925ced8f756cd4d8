"""Files of components that people give to the daemon, and what is made of them in its own folders."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from runtime.api.errors import ApiError, ErrorCode
from runtime.exhaustion import check_exhausted
from runtime.newfile import NewFile
from runtime.vms.programs import MAX_COMMAND_BYTES

if TYPE_CHECKING:
    from pathlib import Path


def read_component(path: Path) -> bytes:
    """The content of a regular file. ApiError NOT_FOUND, INVALID_ARGUMENT, TOO_LARGE, IO_ERROR."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe that nobody writes to has no end
            raise ApiError(ErrorCode.INVALID_ARGUMENT, f"{path} is no regular file", pointer="/path")
        with path.open("rb") as file:
            content = file.read(MAX_COMMAND_BYTES + 1)
    except OSError as error:
        check_exhausted(error)
        code = ErrorCode.NOT_FOUND if isinstance(error, FileNotFoundError) else ErrorCode.IO_ERROR
        raise ApiError(code, f"{path}: {error.strerror}", path=os.fspath(path)) from error
    if len(content) > MAX_COMMAND_BYTES:
        raise ApiError(ErrorCode.TOO_LARGE, f"{path} has more than {MAX_COMMAND_BYTES} bytes", limit=MAX_COMMAND_BYTES)
    return content


def publish(path: Path, data: bytes) -> None:
    """Have a file with this content, whole or not at all, in place of one of its name. OSError."""
    with NewFile(path) as file:
        view = memoryview(data)
        while view:
            view = view[os.write(file.descriptor, view) :]
        file.publish(replace=True)
