"""The reference of the `torpor` command, from its own parser: every command, argument and option."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from runtime.cli import exits
from runtime.cli.main import parser

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMON: Final = ("--socket", "--json", "--help")
"""Options that every command has: described once, at the top of the page."""


def walk(root: argparse.ArgumentParser | None = None) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """All commands, those that only group others included, as (`torpor fs ls`, parser); the root comes first."""
    parsers = [root or parser()]
    while parsers:
        each = parsers.pop(0)
        yield each.prog, each
        parsers[:0] = children(each).values()


def children(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The sub-commands of a command by name."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to be asked
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            found |= action.choices
    return found


def arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What a command takes besides sub-commands, `--help` left out."""
    kinds = (argparse._SubParsersAction, argparse._HelpAction)  # noqa: SLF001 - as above
    return [action for action in parser._actions if not isinstance(action, kinds)]  # noqa: SLF001 - as above


def shown(action: argparse.Action) -> str:
    """How an argument is written: `--vm NAME`, `-l`, `--long`, or `PATH`."""
    name = str(action.metavar or action.dest.upper())
    if action.choices is not None:
        name = "|".join(str(choice) for choice in action.choices)
    if not action.option_strings:
        return f"`{name}`"
    value = "" if action.nargs == 0 else f" {name}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def commands() -> str:
    """All commands, as Markdown."""
    parts = []
    for name, each in walk():
        if children(each):
            continue
        own = [action for action in arguments(each) if not set(action.option_strings) & set(COMMON)]
        usage = " ".join(each.format_usage().removeprefix("usage: ").split())
        text = f"### `{name}`\n\n{each.description}\n\n```text\n{usage}\n```\n"
        if each.epilog:
            text += f"\n{each.epilog}\n"
        if own:
            text += "\n| | |\n| --- | --- |\n" + "".join(f"| {shown(action)} | {_help(action)} |\n" for action in own)
        parts.append(text)
    return "\n".join(parts)


def _help(action: argparse.Action) -> str:
    text = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
    return text.replace("|", "\\|").replace("*.", "\\*.")


def exit_codes() -> str:
    """The exit codes, as Markdown."""
    return "| code | meaning |\n| --- | --- |\n" + "".join(f"| {code} | {meaning} |\n" for code, meaning in exits.EXITS)
