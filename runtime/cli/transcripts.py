"""`log`: a session as people read it, the tool calls, diffs and Markdown as `chat` shows them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from runtime.cli import exits
from runtime.cli.connecting import connect_to
from runtime.cli.table import add_session

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table

COLUMNS: Final = 100
"""Of what is no terminal."""


def register(table: Table) -> None:
    """Enter the command."""
    command = table.command(
        "log",
        log,
        "print a session as a transcript to be read",
        epilog="The events that it is made of, one a line, are printed by `events`, and by --json.",
    )
    add_session(command)
    command.add_argument("--follow", action="store_true", help="go on with what comes, until interrupted")
    command.add_argument("--whole", action="store_true", help="leave out nothing of thoughts, output and diffs")
    command.set_defaults(after=-1, limit=None, types=None)


def log(args: argparse.Namespace) -> int:
    """Print the transcript."""
    from runtime.cli.chat.fold import fold
    from runtime.cli.chat.paint import Painter
    from runtime.cli.chat.state import State
    from runtime.cli.finding import find_session
    from runtime.cli.lists import print_events

    on_terminal = sys.stdout.isatty()
    width = os.get_terminal_size(1).columns if on_terminal else COLUMNS
    state, painter = State(), Painter(escapes=on_terminal, whole=args.whole)

    def show(event: dict[str, Any]) -> None:
        fold(state, event)
        sys.stdout.write(painter.items(state.take(), width or COLUMNS))
        sys.stdout.flush()

    with connect_to(args) as client:
        print_events(client, find_session(client, args), args, None if args.json else show)
        state.close()
        sys.stdout.write(painter.items(state.take(), width or COLUMNS))
    return exits.OK
