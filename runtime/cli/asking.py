"""Asking before something is deleted: at a terminal the person, elsewhere for `--yes`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runtime.cli import output
from runtime.cli.table import UsageError

if TYPE_CHECKING:
    import argparse


def confirmed(args: argparse.Namespace, question: str) -> bool:
    """Whether it is to be done. Raises UsageError where nobody can be asked, and `--yes` is not given."""
    if args.yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{question} Nobody can be asked here: --yes does it")
    sys.stderr.write(f"{output.printable(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
