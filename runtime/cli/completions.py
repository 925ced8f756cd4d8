"""`torpor completions`: what a shell needs to complete this command line. The files are written by build/completions.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime.cli import exits, output

if TYPE_CHECKING:
    import argparse

SCRIPTS: Final = Path(__file__).with_name("shells")


def run(args: argparse.Namespace) -> int:
    """Print the script of a shell."""
    text = (SCRIPTS / f"torpor.{args.shell}").read_text("utf-8")
    if args.json:
        output.write_json({"shell": args.shell, "script": text})
    else:
        sys.stdout.write(text)
    return exits.OK
