"""What the kernel says of a host's files, in the filesystem's terms: its errors, and the numbers of its inodes."""

from __future__ import annotations

import errno
from typing import Final

from wasi_fs.errors import FsCode, FsError

HOST_INO: Final = 1 << 52
"""This bit is set in inode numbers of the host and in none of a VM's; they stay numbers that JSON's readers hold exactly."""

_DEVICE_FACTOR: Final = 0x9E3779B97F4A7
"""Odd and large: spreads device numbers, which are small, over all bits."""

_CODES: Final = {
    errno.EACCES: FsCode.ACCESS,
    errno.EBADF: FsCode.BAD_DESCRIPTOR,
    errno.EBUSY: FsCode.BUSY,
    errno.EDQUOT: FsCode.INSUFFICIENT_SPACE,
    errno.EEXIST: FsCode.EXIST,
    errno.EFBIG: FsCode.FILE_TOO_LARGE,
    errno.EILSEQ: FsCode.ILLEGAL_BYTE_SEQUENCE,
    errno.EINVAL: FsCode.INVALID,
    errno.EISDIR: FsCode.IS_DIRECTORY,
    errno.ELOOP: FsCode.LOOP,
    errno.EMFILE: FsCode.INSUFFICIENT_MEMORY,
    errno.EMLINK: FsCode.TOO_MANY_LINKS,
    errno.ENAMETOOLONG: FsCode.NAME_TOO_LONG,
    errno.ENFILE: FsCode.INSUFFICIENT_MEMORY,
    errno.ENOENT: FsCode.NO_ENTRY,
    errno.ENOMEM: FsCode.INSUFFICIENT_MEMORY,
    errno.ENOSPC: FsCode.INSUFFICIENT_SPACE,
    errno.ENOTDIR: FsCode.NOT_DIRECTORY,
    errno.ENOTEMPTY: FsCode.NOT_EMPTY,
    errno.EOPNOTSUPP: FsCode.UNSUPPORTED,
    errno.EPERM: FsCode.NOT_PERMITTED,
    errno.EROFS: FsCode.READ_ONLY,
    errno.EXDEV: FsCode.CROSS_DEVICE,
}


def failed(error: OSError, path: str = "") -> FsError:
    """The kernel's error as the filesystem's. It names no path of the host: guests may be told."""
    code = _CODES.get(error.errno or 0, FsCode.IO)
    return FsError(code, f"{path}: {error.strerror}" if path else str(error.strerror))


def host_ino(device: int, ino: int) -> int:
    """The number of a host's inode: different for different ones of a device, and very likely across devices."""
    return HOST_INO | ((device * _DEVICE_FACTOR ^ ino) & (HOST_INO - 1))
