"""Parsers of commands, which are made when they are wanted: there are a hundred commands, and one is run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn

from runtime.cli.uses import USES

if TYPE_CHECKING:
    from collections.abc import Callable


class Parser(argparse.ArgumentParser):
    """The parser of `torpor` or of one of its commands: its help ends with an example, and what is mistyped is guessed at."""

    def __init__(self, **how: Any) -> None:
        self._is_mixing = False
        super().__init__(allow_abbrev=False, **how)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse has it; of a command whose default `mixes` is set, options may stand anywhere between the words."""
        if self._is_mixing or not self.get_default("mixes"):
            return super().parse_known_args(args, namespace)
        self._is_mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_mixing = False

    @property
    def example(self) -> str | None:
        """A line as people write it; None where there are only commands below."""
        use = USES.get(self.prog.partition(" ")[2])
        return None if use is None else use.example

    def format_help(self) -> str:
        """Return the help, with the example."""
        text = super().format_help()
        return text if self.example is None else f"{text}\nexample:\n  {self.example}\n"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:  # noqa: SLF001 - who overrides this sees them
            self._refuse(value, list(action.choices))
        super()._check_value(action, value)

    def _refuse(self, word: str, known: list[str]) -> NoReturn:
        meant = similar(word, known)
        advice = f"did you mean `{self.prog} {meant}`?" if meant else f"`{self.prog} --help` lists what there is"
        self.error(f"there is no command {word!r}: {advice}")


def similar(word: str, known: list[str]) -> str | None:
    """Return what of `known` is likest to a word that is not among them; None where nothing is like it."""
    import difflib

    found = difflib.get_close_matches(word, known, n=1)
    return found[0] if found else None


class Later:
    """Stands for a command's parser, and becomes it at the first question that only a parser answers."""

    def __init__(self, make: Callable[[str], argparse.ArgumentParser]) -> None:
        self._make = make
        self._arguments: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._made: argparse.ArgumentParser | None = None
        self.name_of_program = ""

    def add_argument(self, *names: str, **how: Any) -> None:
        """As a parser has it."""
        self._arguments.append(("add_argument", names, how))

    def set_defaults(self, **values: Any) -> None:
        """As a parser has it."""
        self._arguments.append(("set_defaults", (), values))

    def __getattr__(self, name: str) -> Any:
        """What a parser has."""
        if self._made is None:
            self._made = self._make(self.name_of_program)
            for method, names, how in self._arguments:
                getattr(self._made, method)(*names, **how)
        return getattr(self._made, name)


def stand_in(*, later: Later, prog: str, **_: Any) -> Later:
    """Be the class of parsers for argparse: the one that stands for `later` is that itself."""
    later.name_of_program = prog
    return later
