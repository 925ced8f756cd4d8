"""The table of commands as it is being filled, by each group in turn."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, cast

from runtime.cli.parsers import Later, Parser, stand_in

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

DEFAULT_VM: Final = "default"


class UsageError(Exception):
    """An argument that argparse cannot refuse."""


class Table:
    """Commands on one level, of `torpor` itself or of one of its groups."""

    def __init__(self, common: argparse.ArgumentParser) -> None:
        self._common = common
        self._groups: dict[str, Table] = {}
        self._entries: dict[str, tuple[str, Later]] = {}

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
        What methods of the API it calls, and an example, are in `runtime.cli.uses`.
        A command that `starts` connects by `runtime.cli.connecting.connect_to`, and gets the options for that.
        """

        def make(program: str) -> argparse.ArgumentParser:
            description = text[0].upper() + text[1:] + "."
            made = Parser(prog=program, parents=[self._common], description=description, epilog=epilog)
            made.set_defaults(run=run)
            if starts:
                made.add_argument("--no-start", action="store_true", help="start no daemon when none answers")
                made.add_argument(
                    "--host", metavar="ADDRESS", help="a daemon elsewhere: ssh://HOST, https://HOST, or a context"
                )
            return made

        added = Later(make)
        self._entries[name] = text, added
        return cast("argparse.ArgumentParser", added)

    def group(self, name: str, text: str) -> Table:
        """Enter a command that has commands of its own; return their table, to which `more` can add."""
        group = Table(self._common)

        def make(program: str) -> argparse.ArgumentParser:
            made = Parser(prog=program, description=text[0].upper() + text[1:] + ".")
            group.enter_into(made)
            return made

        self._entries[name] = text, Later(make)
        self._groups[name] = group
        return group

    def more(self, name: str) -> Table:
        """Return the table of a group that another module has entered."""
        return self._groups[name]

    def enter_into(self, parser: argparse.ArgumentParser) -> None:
        """Give the commands to the parser of this level."""
        kind = cast("type[argparse.ArgumentParser]", stand_in)
        actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=kind)
        for name, (text, later) in self._entries.items():
            actions.add_parser(name, help=text, later=later)


def add_vm(command: argparse.ArgumentParser, default: str | None = DEFAULT_VM) -> None:
    """Add `--vm`; without a default it means all."""
    shown = f"the VM (default: {default or 'all'}); parts of a name joined with /"
    command.add_argument("--vm", metavar="NAME", default=default, help=shown)


def add_yes(command: argparse.ArgumentParser) -> None:
    """Add the option of those who do not want to be asked (`runtime.cli.asking`)."""
    command.add_argument("-y", "--yes", "-f", "--force", action="store_true", help="do it without asking")


def add_session(command: argparse.ArgumentParser) -> None:
    """Add the session that a command is about, as `runtime.cli.finding` finds it."""
    command.add_argument(
        "session",
        metavar="SESSION",
        help="its id, or as much of it as no other's begins with; `last`, or `-`: before it",
    )
    command.add_argument("--vm", metavar="NAME", help="the VM that it is in (default: it is looked for in all)")


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
