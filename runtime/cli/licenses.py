"""`torpor licenses`: the licences of what others made and the single executable contains."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime.cli import exits, output

if TYPE_CHECKING:
    import argparse

TEXTS: Final = "LICENSES.txt"
"""Beside the packages in the single executable, where its build puts it."""


def run(args: argparse.Namespace) -> int:
    """Print the texts."""
    unpacked: str | None = getattr(sys, "_MEIPASS", None)
    if unpacked is None:
        output.say("this is not the single executable: every package that it uses was installed with its own licence")
        return exits.FAILED
    text = Path(unpacked, TEXTS).read_text("utf-8")
    if args.json:
        output.write_json({"licenses": text})
    else:
        sys.stdout.write(text)
    return exits.OK
