"""The reference of the `torpor` command, from its own parser: every command, argument and option."""

from __future__ import annotations

import argparse
import textwrap
from typing import TYPE_CHECKING, Final

from runtime.cli import exits
from runtime.cli.main import parser
from runtime.cli.uses import USES

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT: Final = "\0"
"""Stands for a space at which no line is to be broken."""
WIDTH: Final = 88
"""Characters of a line of a command's usage: what a page shows without scrolling."""


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
    if not action.option_strings:
        return f"`{_value(action)}`"
    value = "" if action.nargs == 0 else f" {_value(action)}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _value(action: argparse.Action) -> str:
    if action.choices is not None:
        return "|".join(str(choice) for choice in action.choices)
    return str(action.metavar or action.dest.upper())


def common() -> dict[str, argparse.Action]:
    """The options that every command has, by their first name: described once."""
    leaves = [arguments(each) for _, each in walk() if not children(each)]
    by_name = [{action.option_strings[0]: action for action in leaf if action.option_strings} for leaf in leaves]
    return {name: action for name, action in by_name[0].items() if all(name in leaf for leaf in by_name)}


def common_options() -> str:
    """The options that every command has, as Markdown."""
    return _table(list(common().values()))


def usage(name: str, actions: list[argparse.Action]) -> str:
    """A command's usage, without what every command has."""
    words = []
    for action in actions:
        word = _value(action)
        if action.option_strings:
            word = action.option_strings[-1] + ("" if action.nargs == 0 else f" {word}")
        optional = not action.required or action.nargs in {"?", "*"}
        repeated = isinstance(action, argparse._AppendAction) or action.nargs in {"*", "+"}  # noqa: SLF001 - as above
        words.append((f"[{word}]" if optional else word) + ("..." if repeated else ""))
    options = [word for word, action in zip(words, actions, strict=True) if action.option_strings]
    rest = [word for word, action in zip(words, actions, strict=True) if not action.option_strings]
    text = " ".join(word.replace(" ", KEPT) for word in [*options, *rest])
    indent = " " * (len(name) + 1)
    lines = textwrap.wrap(text, WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
    return f"{name} {f'{chr(10)}{indent}'.join(lines)}".rstrip().replace(KEPT, " ")


def commands() -> str:
    """All commands, as Markdown."""
    everywhere = common()
    parts = []
    for name, each in walk():
        if children(each):
            continue
        own = [action for action in arguments(each) if not set(action.option_strings) & everywhere.keys()]
        text = f"### `{name}`\n\n{each.description}\n\n```text\n{usage(name, own)}\n```\n"
        if use := USES.get(name.partition(" ")[2]):
            text += f'\n```sh title="example"\n{use.example}\n```\n'
        if each.epilog:
            text += f"\n{each.epilog}\n"
        if own:
            text += f"\n{_table(own)}"
        parts.append(text)
    return "\n".join(parts)


def _table(actions: list[argparse.Action]) -> str:
    return "| | |\n| --- | --- |\n" + "".join(f"| {_cell(shown(action))} | {_help(action)} |\n" for action in actions)


def _cell(text: str) -> str:
    # A bar ends a cell, and in code a backslash before it stays: so code with bars is HTML.
    return "<code>" + text.strip("`").replace("|", "&#124;") + "</code>" if "|" in text else text


def _help(action: argparse.Action) -> str:
    text = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
    return text.replace("|", "\\|").replace("*.", "\\*.")


def exit_codes() -> str:
    """The exit codes, as Markdown."""
    return "| code | meaning |\n| --- | --- |\n" + "".join(f"| {code} | {meaning} |\n" for code, meaning in exits.EXITS)
