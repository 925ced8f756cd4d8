"""`torpor systemd`: writes the user units that start the daemon when its socket is first connected to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime.cli import exits, output

if TYPE_CHECKING:
    import argparse

UNITS: Final = Path(__file__).with_name("units")
NAMES: Final = ("torpor.socket", "torpor.service")


def run(args: argparse.Namespace) -> int:
    """Write the units, and say what makes systemd use them."""
    directory = Path(args.directory).absolute() if args.directory else _directory()
    directory.mkdir(parents=True, exist_ok=True)
    program = " ".join(_quoted(part) for part in program_line())
    for name in NAMES:
        text = (UNITS / name).read_text("utf-8").replace("@PROGRAM@", program)
        (directory / name).write_text(text, "utf-8")
    following = "systemctl --user daemon-reload && systemctl --user enable --now torpor.socket"
    if args.json:
        output.write_json({"units": [os.fspath(directory / name) for name in NAMES], "next": following})
    else:
        output.say(f"{' and '.join(NAMES)} are in {directory}; stop a daemon that runs (`torpor stop`), then:")
        sys.stdout.write(following + "\n")
    return exits.OK


def program_line() -> list[str]:
    """Return the command line by which this program is to be started later, by absolute paths."""
    executable = os.environ.get(
        "TORPOR_EXECUTABLE"
    )  # the single executable names itself before it runs what it has unpacked
    if executable and getattr(sys, "frozen", False):
        return [executable]
    script = Path(sys.argv[0])
    if script.name == "torpor" and os.access(script, os.X_OK):
        return [os.fspath(script.absolute())]
    return [sys.executable, "-P", "-m", "runtime.cli"]


def _directory() -> Path:
    base = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".config") / "systemd" / "user"


def _quoted(part: str) -> str:
    """Return an argument as systemd.service(5) reads it: % begins a specifier, $ a variable, and blanks end it."""
    escaped = part.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
