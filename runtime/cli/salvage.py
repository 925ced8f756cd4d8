"""`torpor salvage`: what can still be read of a damaged state file."""

from __future__ import annotations

import contextlib
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.cli import exits, output

if TYPE_CHECKING:
    import argparse

    from runtime.salvage.recover import Outcome


def run(args: argparse.Namespace) -> int:
    """Write the exports, tell what is lost, and return the exit code."""
    import trio  # noqa: PLC0415 - the store, for this command alone

    from runtime.api.errors import ApiError  # noqa: PLC0415
    from runtime.salvage.recover import as_json, salvage  # noqa: PLC0415
    from runtime.store.lock import state_lock  # noqa: PLC0415

    state, folder = Path(args.file).absolute(), Path(args.output).absolute()
    try:
        with contextlib.ExitStack() as stack:
            if state.with_name(f"{state.name}.lock").exists():  # a daemon has had it, and may have it now
                stack.enter_context(state_lock(state.resolve()))
            outcome = trio.run(functools.partial(salvage, state, folder))
    except ApiError as error:
        output.say(error.message)
        return exits.FAILED
    if args.json:
        sys.stdout.write(as_json(outcome) + "\n")
    else:
        _tell(outcome)
    whole = not (outcome.problems or outcome.unread or outcome.lost_pages or any(each.lost for each in outcome.exports))
    return exits.OK if whole and outcome.exports else exits.FAILED


def _tell(outcome: Outcome) -> None:
    for export in outcome.exports:
        sys.stdout.write(f"{output.printable(f'{export.vm}: {export.path}')}\n")
        for text in export.lost:
            sys.stdout.write(f"  lost: {output.printable(text)}\n")
        if export.more:
            sys.stdout.write(f"  lost: {export.more} things more\n")
    for name, count in sorted(outcome.unread.items()):
        sys.stdout.write(f"{count} rows of the table {name} could not be read\n")
    if outcome.lost_pages:
        sys.stdout.write(f"{outcome.lost_pages} pages of the file are damaged\n")
    for text in outcome.problems:
        sys.stdout.write(f"{output.printable(text)}\n")
    if not outcome.exports:
        sys.stdout.write("nothing could be read\n")
