"""`torpor licenses`: the licences of what others made, and the single executable or the wheel contains."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime.cli import exits, output

if TYPE_CHECKING:
    import argparse

TEXTS: Final = "LICENSES.txt"
"""Beside the packages in the single executable, and beside the agents in a wheel, where the builds put it."""


def run(args: argparse.Namespace) -> int:
    """Print the texts."""
    unpacked: str | None = getattr(sys, "_MEIPASS", None)
    beside = Path(__file__).parents[1] / "agents" if unpacked is None else Path(unpacked)
    if not (beside / TEXTS).exists():
        output.say("neither an executable nor a wheel: every package that it uses was installed with its own licence")
        return exits.FAILED
    text = (beside / TEXTS).read_text("utf-8")
    if args.json:
        output.write_json({"licenses": text})
    else:
        sys.stdout.write(text)
    return exits.OK
