"""`man`: the manual page torpor(1), from the command line's own parser. A wheel has it in share/man."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from runtime.cli import exits
from runtime.cli.uses import USES
from runtime.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator


def page(root: argparse.ArgumentParser) -> str:
    """Return the page, in the man macros of troff."""
    lines = [
        f'.TH TORPOR 1 "" "torpor {VERSION}" "User Commands"',
        ".SH NAME",
        r"torpor \- run AI agents in durable, hibernating VMs",
        ".SH SYNOPSIS",
        r"\fBtorpor\fR \fICOMMAND\fR [\fIOPTION\fR...] [\fIARGUMENT\fR...]",
        ".SH COMMANDS",
        *_commands(root),
        ".SH EXIT STATUS",
    ]
    for code, meaning in exits.EXITS:
        lines += [".TP", rf"\fB{code}\fR", _escaped(meaning)]
    lines += [".SH ENVIRONMENT", *_environment(root), ".SH SEE ALSO", r"\fBtorpor help\fR \fICOMMAND\fR"]
    return "\n".join(lines) + "\n"


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Each command that does something, with what it takes."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to be asked
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            for below in action.choices.values():
                yield from _commands(below)
            return
    yield f".SS {_escaped(parser.prog)}"
    yield _escaped(parser.description or "")
    if parser.epilog:
        yield from (".PP", _escaped(parser.epilog))
    for action in parser._actions:  # noqa: SLF001 - as above
        if not isinstance(action, argparse._HelpAction):  # noqa: SLF001 - as above
            help_text = (action.help or "") % {"default": action.default, "prog": parser.prog}
            yield from (".TP", _argument(action), _escaped(help_text))
    if use := USES.get(parser.prog.partition(" ")[2]):
        yield from (".PP", rf"Example: \fB{_escaped(use.example)}\fR")


def _argument(action: argparse.Action) -> str:
    value = "|".join(map(str, action.choices)) if action.choices else str(action.metavar or action.dest.upper())
    if not action.option_strings:
        return rf"\fI{_escaped(value)}\fR"
    names = ", ".join(rf"\fB{_escaped(name)}\fR" for name in action.option_strings)
    return names if action.nargs == 0 else rf"{names} \fI{_escaped(value)}\fR"


def _environment(root: argparse.ArgumentParser) -> Iterator[str]:
    """The variables, as the end of the help lists them."""
    _, _, listed = (root.epilog or "").partition("environment:\n")
    for line in listed.splitlines():
        name, _, meaning = line.strip().partition(" ")
        yield from (".TP", rf"\fB{_escaped(name)}\fR", _escaped(meaning.strip()))


def _escaped(text: str) -> str:
    """Return text as troff prints it: a hyphen stays one, and no line is taken for a request."""
    whole = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    return rf"\&{whole}" if whole.startswith(".") else whole
