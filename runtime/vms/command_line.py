"""A command line without a shell: words and quotes as POSIX has them (XCU 2.2), and nothing else that a shell would do.

What a shell would act upon is refused, rather than passed on as if it had been meant literally.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from runtime.api.errors import ApiError, ErrorCode

_PIECE: Final = re.compile(
    r"""(?P<blank>[ \t]+)
    | '(?P<single>[^']*)'
    | "(?P<double>(?:[^"\\$`]|\\.)*)"
    | \\(?P<escaped>.)
    | (?P<plain>[^ \t'"\\|&;<>()$`*?[\n]+)""",
    re.VERBOSE | re.DOTALL,
)
"""The parts of a command line. Where none matches there is shell syntax, or a quote that is not closed."""
_ESCAPED_IN_QUOTES: Final = re.compile(r"\\([$`\"\\]|(\n))")
_RESERVED: Final = frozenset(
    ("!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then", "until", "while")
)
"""In the place of the command (XCU 2.4)."""
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def split(command: str) -> list[str]:
    """The words of a simple command. Raises `ApiError` INVALID_ARGUMENT for one that needs a shell, and for an open quote."""
    words: list[str] = []
    word: str | None = None
    command = command.lstrip(" \t\n").rstrip("\n")
    at = 0
    while at < len(command):
        piece = _PIECE.match(command, at)
        if piece is None:
            _refuse(command, at)
        if piece.lastgroup == "blank":
            words.append(word or "")  # nothing but a word comes before a blank
            word = None
        else:
            if word is None and piece.lastgroup == "plain":
                _check_start(piece[0], first=not words, whole=_is_whole(command, piece.end()))
            word = (word or "") + _meaning(piece)
        at = piece.end()
    if word is not None:
        words.append(word)
    if not words:
        raise ApiError(ErrorCode.INVALID_ARGUMENT, "command: there is none in it")
    return words


def _meaning(piece: re.Match[str]) -> str:
    if piece.lastgroup == "double":
        return _ESCAPED_IN_QUOTES.sub(lambda match: "" if match[2] else match[1], piece["double"])
    if piece.lastgroup == "escaped":
        return "" if piece["escaped"] == "\n" else piece["escaped"]  # a line that goes on
    return piece[piece.lastgroup or 0]


def _is_whole(command: str, end: int) -> bool:
    return end == len(command) or command[end] in " \t"


def _check_start(text: str, *, first: bool, whole: bool) -> None:
    """Refuse words of which a shell makes something else, by how they begin."""
    if text[0] in "#~":
        _needs_shell(text[0])
    if first and ((whole and text in _RESERVED) or _ASSIGNMENT.match(text)):
        _needs_shell(text)


def _refuse(command: str, at: int) -> NoReturn:
    char = command[at]
    if char == '"' and (inner := re.search(r"(?<!\\)(?:\\\\)*([$`])", command[at:])) and command.count('"', at) > 1:
        char = inner[1]
    if char in "'\"":
        raise ApiError(ErrorCode.INVALID_ARGUMENT, f"command: the quote {char} is not closed")
    if char == "\\":
        raise ApiError(ErrorCode.INVALID_ARGUMENT, "command: there is nothing after the last \\")
    _needs_shell(char)


def _needs_shell(what: str) -> NoReturn:
    shown = "a line break" if what == "\n" else what
    raise ApiError(
        ErrorCode.INVALID_ARGUMENT,
        f"{shown} needs a shell, and the VM has none at /bin/sh: put one there, quote it if it is meant literally, or give the "
        "words as argv, with variables in env",
        operator=what,
    )
