"""The table of commands as it is being filled: what the modules in `runtime.cli.commands` register themselves with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import argparse

DEFAULT_VM: Final = "default"


class Table:
    """Commands on one level, of `torpor` itself or of one of its groups."""

    def __init__(self, actions: Any, common: argparse.ArgumentParser) -> None:
        self._actions = actions
        self._common = common

    def command(
        self, name: str, run: str, text: str, *, epilog: str | None = None, starts: bool = True
    ) -> argparse.ArgumentParser:
        """Enter a command that `run`, MODULE:FUNCTION below `runtime.cli`, carries out; return it, for its arguments.

        `text` begins in lower case and has no full stop: it is a line of the list, and made a sentence for the command's help.
        A command that `starts` connects by `runtime.cli.connecting.connect_to`, and gets the flag that it needs.
        """
        added: argparse.ArgumentParser = self._actions.add_parser(
            name,
            parents=[self._common],
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog=epilog,
            allow_abbrev=False,
        )
        added.set_defaults(run=run)
        if starts:
            added.add_argument("--no-start", action="store_true", help="start no daemon when none answers")
        return added

    def group(self, name: str, text: str) -> Table:
        """Enter a command that has commands of its own; return their table."""
        added = self._actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        return Table(added.add_subparsers(title="commands", metavar="COMMAND", required=True), self._common)


def add_vm(command: argparse.ArgumentParser, default: str | None = DEFAULT_VM) -> None:
    """Add `--vm`; without a default it means all."""
    shown = f"the VM (default: {default or 'all'}); parts of a name joined with /"
    command.add_argument("--vm", metavar="NAME", default=default, help=shown)
