"""Error numbers as programs see them: those of wasi-libc, which are WASI's first preview's."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from wasi_fs.errors import FsCode


class Errno(IntEnum):
    """What this interface answers with, as the negative of these."""

    E2BIG = 1
    EACCES = 2
    EAGAIN = 6
    EBADF = 8
    EBUSY = 10
    ECHILD = 12
    EEXIST = 20
    EFBIG = 22
    EILSEQ = 25
    EINTR = 27
    EINVAL = 28
    EIO = 29
    EISDIR = 31
    ELOOP = 32
    EMFILE = 33
    EMLINK = 34
    ENAMETOOLONG = 37
    ENFILE = 41
    ENODEV = 43
    ENOENT = 44
    ENOEXEC = 45
    ENOMEM = 48
    ENOSPC = 51
    ENOSYS = 52
    ENOTDIR = 54
    ENOTEMPTY = 55
    ENOTSUP = 58
    ENOTTY = 59
    ENXIO = 60
    EPERM = 63
    EPIPE = 64
    EROFS = 69
    ESPIPE = 70
    ESRCH = 71
    EXDEV = 75


class PosixError(Exception):
    """The answer of a call that fails. `message` is for people, where no program has called."""

    def __init__(self, errno: Errno, message: str = "") -> None:
        super().__init__(message or errno.name)
        self.errno: Final = errno


OF_FILES: Final = {
    FsCode.ACCESS: Errno.EACCES,
    FsCode.BAD_DESCRIPTOR: Errno.EBADF,
    FsCode.BUSY: Errno.EBUSY,
    FsCode.CROSS_DEVICE: Errno.EXDEV,
    FsCode.EXIST: Errno.EEXIST,
    FsCode.FILE_TOO_LARGE: Errno.EFBIG,
    FsCode.ILLEGAL_BYTE_SEQUENCE: Errno.EILSEQ,
    FsCode.INSUFFICIENT_MEMORY: Errno.ENOMEM,
    FsCode.INSUFFICIENT_SPACE: Errno.ENOSPC,
    FsCode.INVALID: Errno.EINVAL,
    FsCode.IO: Errno.EIO,
    FsCode.IS_DIRECTORY: Errno.EISDIR,
    FsCode.LOOP: Errno.ELOOP,
    FsCode.NAME_TOO_LONG: Errno.ENAMETOOLONG,
    FsCode.NO_DEVICE: Errno.ENODEV,
    FsCode.NO_ENTRY: Errno.ENOENT,
    FsCode.NO_SUCH_DEVICE: Errno.ENXIO,
    FsCode.NOT_DIRECTORY: Errno.ENOTDIR,
    FsCode.NOT_EMPTY: Errno.ENOTEMPTY,
    FsCode.NOT_PERMITTED: Errno.EPERM,
    FsCode.PIPE: Errno.EPIPE,
    FsCode.READ_ONLY: Errno.EROFS,
    FsCode.TOO_MANY_LINKS: Errno.EMLINK,
    FsCode.UNSUPPORTED: Errno.ENOTSUP,
    FsCode.WOULD_BLOCK: Errno.EAGAIN,
}
"""What the filesystem's codes are to a program. WOULD_BLOCK never reaches one: whoever gets it tries again."""
