"""A daemon for a program that finds none: `torpor start` starts one, one only however many programs ask at once.

Only for a Unix socket that nobody listens on: a daemon that does not answer in time is there, and so is one of another version.
"""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING, Final

from runtime.client.errors import ConnectError

if TYPE_CHECKING:
    from pathlib import Path

START_SECONDS: Final = 90.0
"""For `torpor start`, which itself gives a daemon half a minute, and a program before it as long."""

SAID_LINES: Final = 5
"""Of what it says when it fails, at the end."""

_NOBODY: Final = (errno.ENOENT, errno.ECONNREFUSED)


def start_command(failure: ConnectError, path: Path) -> list[str]:
    """Return the command that starts a daemon at `path`, where connecting has failed with `failure`.

    Raises ConnectError where a daemon is not what is missing, and, with what to do, where there is no `torpor` to start one.
    """
    cause = failure.__cause__
    if not isinstance(cause, OSError) or cause.errno not in _NOBODY:
        raise failure
    program = shutil.which("torpor")
    if program is None:
        remedy = "`torpor` is not on the PATH, so that none was started; install it, or start one by `torpor serve`"
        raise ConnectError(path, f"{failure.reason}; {remedy}") from cause
    return [program, "start", "--socket", os.fspath(path)]


def check_start(failure: ConnectError, path: Path, code: int, said: bytes) -> None:
    """Raise ConnectError, with what `torpor start` has said, unless it has ended well."""
    if code != 0:
        lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()][-SAID_LINES:]
        reason = " / ".join(line.removeprefix("torpor: ") for line in lines) or f"it ended with {code}"
        raise ConnectError(path, f"{failure.reason}, and `torpor start` failed: {reason}") from failure
