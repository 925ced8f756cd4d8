"""The machine's own limits as errors of the API: which one the daemon has reached, and what to do.

The one place where such an error gets its code: who catches an error to call it something else asks here first, and the
dispatcher asks about whatever else reaches it. All of them pass, so all are `retryable`.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from runtime.api.errors import ApiError, ErrorCode

DESCRIPTORS: Final = (
    "descriptors",
    "the daemon has no file descriptor left: close connections, put VMs to sleep, or raise ulimit -n (LimitNOFILE=)",
)
MEMORY: Final = ("memory", "the machine gives the daemon no more memory: end processes, or put VMs to sleep")
TASKS: Final = (
    "processes",
    "the machine gives the daemon no further thread or process: end processes, or let it have more (ulimit -u, TasksMax=)",
)
FULL: Final = (errno.ENOSPC, errno.EDQUOT)

_RESOURCES: Final = {
    errno.EMFILE: DESCRIPTORS,
    errno.ENFILE: DESCRIPTORS,
    errno.ENOMEM: MEMORY,
    errno.EAGAIN: TASKS,  # of fork and clone; where it means "not now" it is dealt with on the spot
}


def exhausted(error: BaseException) -> ApiError | None:
    """The error that says which resource of the machine is used up; None for an error of another kind."""
    resource = None
    if isinstance(error, MemoryError):
        resource = MEMORY
    elif isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        resource = TASKS
    elif isinstance(error, OSError):
        if error.errno in FULL:
            return disk_full("a disk of the daemon is full: free some space and try again")
        if error.errno == errno.EIO:
            return ApiError(ErrorCode.IO_ERROR, f"a disk of the daemon fails ({error.strerror})", reason="disk_failed")
        resource = _RESOURCES.get(error.errno or 0)
    if resource is None:
        return None
    name, message = resource
    return ApiError(ErrorCode.RESOURCE_EXHAUSTED, message, resource=name)


def disk_full(message: str) -> ApiError:
    """IO_ERROR for a full disk: the same call goes well once there is room."""
    return ApiError(ErrorCode.IO_ERROR, message, reason="disk_full", retryable=True)


def check_exhausted(error: BaseException) -> None:
    """Raise the `ApiError` that `exhausted` makes of this error, if any."""
    api_error = exhausted(error)
    if api_error is not None:
        raise api_error from error


def descriptors_left() -> bool:
    """Whether a file can be opened: for libraries that do not say why they could not. EMFILE and ENFILE are looked for."""
    try:
        os.close(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno not in (errno.EMFILE, errno.ENFILE)
    return True
