"""The one error of the filesystem, with the codes of wasi:filesystem's `error-code`.

The codes are the subset of the WIT enum that this filesystem can mean, under the same names, so that the guest's face
passes them on as they are, and the API's face maps them once.
"""

from __future__ import annotations

from enum import StrEnum


class FsCode(StrEnum):
    """What went wrong, named as in wasi:filesystem/types `error-code`; libc's errno beside it."""

    ACCESS = "access"  # EACCES
    BAD_DESCRIPTOR = "bad-descriptor"  # EBADF
    BUSY = "busy"  # EBUSY
    CROSS_DEVICE = "cross-device"  # EXDEV
    EXIST = "exist"  # EEXIST
    FILE_TOO_LARGE = "file-too-large"  # EFBIG
    ILLEGAL_BYTE_SEQUENCE = "illegal-byte-sequence"  # EILSEQ
    INSUFFICIENT_MEMORY = "insufficient-memory"  # ENOMEM
    INSUFFICIENT_SPACE = "insufficient-space"  # ENOSPC
    INVALID = "invalid"  # EINVAL
    IO = "io"  # EIO
    IS_DIRECTORY = "is-directory"  # EISDIR
    LOOP = "loop"  # ELOOP
    NAME_TOO_LONG = "name-too-long"  # ENAMETOOLONG
    NO_DEVICE = "no-device"  # ENODEV
    NO_ENTRY = "no-entry"  # ENOENT
    NO_SUCH_DEVICE = "no-such-device"  # ENXIO
    NOT_DIRECTORY = "not-directory"  # ENOTDIR
    NOT_EMPTY = "not-empty"  # ENOTEMPTY
    NOT_PERMITTED = "not-permitted"  # EPERM
    PIPE = "pipe"  # EPIPE
    READ_ONLY = "read-only"  # EROFS
    TOO_MANY_LINKS = "too-many-links"  # EMLINK
    UNSUPPORTED = "unsupported"  # ENOTSUP
    WOULD_BLOCK = "would-block"  # EAGAIN
    """Not all that the operation needs is in memory yet, and it has loaded as much as it may at once: the same call gets on."""


class FsError(Exception):
    """A filesystem operation failed, and has changed nothing. `message` says where or why, if there is more to say."""

    def __init__(self, code: FsCode, message: str = "") -> None:
        super().__init__(f"{code.value}: {message}" if message else code.value)
        self.code = code
        self.message = message
