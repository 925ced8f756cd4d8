"""What a word of a prompt may become: `/commands` at its beginning, and `@files` of this machine."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime.cli.chat.state import Command

MAX_OFFERED: Final = 100
"""Completions of one word: who has more to choose from types on."""

MAX_LISTED: Final = 10_000
"""Entries of a folder that are looked at, while somebody types."""

_COMMAND: Final = re.compile(r"/[^\s/]*")
_FILE: Final = re.compile(r'(?:^|\s)@("?)([^"\s]*|(?<=")[^"\n]*)$')
_UNTYPABLE: Final = re.compile(r'["\x00-\x1f\x7f-\x9f]')


class Offer(NamedTuple):
    """What a word may become."""

    back: int
    """Characters before the cursor that it takes the place of."""
    text: str
    shown: str
    about: str = ""


def offers(before: str, commands: Sequence[Command]) -> list[Offer]:
    """Return what the word may become that ends at the cursor, with `before` all that stands before it."""
    if _COMMAND.fullmatch(before):
        return [
            Offer(len(before), f"/{each.name} ", f"/{each.name}", each.about)
            for each in _matching(commands, before[1:])[:MAX_OFFERED]
        ]
    match = _FILE.search(before)
    return _files(match[2], quoted=bool(match[1])) if match is not None else []


def _matching(commands: Iterable[Command], word: str) -> list[Command]:
    """Those that begin with the word, and after them those that have it somewhere."""
    found = [each for each in commands if word.lower() in each.name.lower()]
    return sorted(found, key=lambda each: not each.name.lower().startswith(word.lower()))


def _files(typed: str, *, quoted: bool) -> list[Offer]:
    folder, _, word = typed.rpartition("/")
    where = os.path.expanduser(f"{folder}/" if "/" in typed else "./")  # noqa: PTH111 - Path would drop the slash
    try:
        with os.scandir(where) as entries:
            listed = [(each.name, each.is_dir()) for each, _ in zip(entries, range(MAX_LISTED), strict=False)]
    except OSError:
        return []
    found = sorted(
        (name, is_folder)
        for name, is_folder in listed
        if name.lower().startswith(word.lower()) and (word.startswith(".") or not name.startswith("."))
    )
    start = typed[: len(typed) - len(word)]
    return [
        _offer(start + name, is_folder, len(typed), quoted=quoted)
        for name, is_folder in found[:MAX_OFFERED]
        if not _UNTYPABLE.search(start + name)
    ]


def _offer(path: str, is_folder: bool, typed: int, *, quoted: bool) -> Offer:
    name = path.rpartition("/")[2]
    if not quoted and " " not in path:
        return Offer(typed, f"{path}/" if is_folder else f"{path} ", f"{name}/" if is_folder else name)
    return Offer(typed + quoted, f'"{path}/' if is_folder else f'"{path}" ', f"{name}/" if is_folder else name)
