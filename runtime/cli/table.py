"""The table of commands as it is being filled, by each group in turn."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

DEFAULT_VM: Final = "default"


class UsageError(Exception):
    """An argument that argparse cannot refuse."""


class Table:
    """Commands on one level, of `torpor` itself or of one of its groups."""

    def __init__(self, actions: Any, common: argparse.ArgumentParser) -> None:
        self._actions = actions
        self._common = common
        self._groups: dict[str, Table] = {}

    def command(
        self,
        name: str,
        run: Callable[[argparse.Namespace], int],
        text: str,
        *,
        epilog: str | None = None,
        starts: bool = True,
    ) -> argparse.ArgumentParser:
        """Enter a command that `run` carries out, which returns the exit code; return its parser, for its arguments.

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
        """Enter a command that has commands of its own; return their table, to which `more` can add."""
        added = self._actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        commands = added.add_subparsers(title="commands", metavar="COMMAND", required=True)
        self._groups[name] = Table(commands, self._common)
        return self._groups[name]

    def more(self, name: str) -> Table:
        """Return the table of a group that another module has entered."""
        return self._groups[name]


def add_vm(command: argparse.ArgumentParser, default: str | None = DEFAULT_VM) -> None:
    """Add `--vm`; without a default it means all."""
    shown = f"the VM (default: {default or 'all'}); parts of a name joined with /"
    command.add_argument("--vm", metavar="NAME", default=default, help=shown)


def environment(given: list[str]) -> dict[str, str]:
    """Return what `--env` gives: variables from `K=V` and `K`, which is looked up. Raises UsageError."""
    env: dict[str, str] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not name:
            raise UsageError(f"--env {item}: a name is missing")
        if not equals:
            found = os.environ.get(name)
            if found is None:
                raise UsageError(f"--env {name}: there is no such variable in your environment")
            value = found
        env[name] = value
    return env
