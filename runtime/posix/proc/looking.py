"""Who looks into /proc: the process whose task runs, or none, where a client reads the VM's files.

What a process has open, where it is and what is in its environment is for those that come from the same command or agent: other
commands of the VM may have been given secrets, and agents are.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from wasi_fs import FsCode, FsError

if TYPE_CHECKING:
    from runtime.posix.process import PosixProcess

looker: Final[ContextVar[PosixProcess | None]] = ContextVar("looker", default=None)
"""Set by each process for its task, in which the calls of its guests are answered."""


def check_access(process: PosixProcess) -> None:
    """FsError(ACCESS) unless who looks comes from the same command as the process."""
    looking = looker.get()
    if looking is None or looking.tree is not process.tree:
        raise FsError(FsCode.ACCESS, f"of process {process.pid}")
