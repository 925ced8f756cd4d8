"""The paths of the daemon's files: its state, and the files beside it that belong to the daemon with the state open."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

STATE_NAME: Final = "torpor.db"


def state_path(given: str | None) -> Path:
    """Return the absolute path of the state file: `given`, else `$TORPOR_STATE`, else the place that XDG names."""
    named = given or os.environ.get("TORPOR_STATE")
    if named:
        return Path(named).absolute()
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not base.is_absolute():
        base = Path.home() / ".local" / "state"
    return base / "torpor" / STATE_NAME


def log_path(state: Path) -> Path:
    """Return the log of the daemon with this state file: beside it, so that no two daemons ever write one."""
    return state.with_name(state.name + ".log")


def last_words_path(state: Path) -> Path:
    """Return the file for the last output of a library that aborts; a daemon in the background has no stderr."""
    return state.with_name(state.name + ".stderr")
