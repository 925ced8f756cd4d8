"""Scripts that say the same in a VM as in the machine's bash, in text files: one a line, a here-document up to a line `.`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.commands.built import LONGEST_MS


def read(name: str) -> list[str]:
    """The scripts of a file of this folder."""
    found: list[str] = []
    lines = iter((Path(__file__).with_name(name)).read_text().splitlines())
    for line in lines:
        script = line
        while "<<END" in line and (more := next(lines)) != ".":
            script += f"\n{more}"
        found.append(script)
    return found


def on_this_machine(script: str, folder: Path) -> tuple[int, str]:
    """(exit code, stdout) of a script in a folder of this machine."""
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={"PATH": os.defpath, "HOME": "/home/user", "LANG": "C.UTF-8", "USER": "user"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=LONGEST_MS / 1000,
        check=False,
    )
    return done.returncode, done.stdout
