"""Command lines without a shell, and output cut between characters."""

from __future__ import annotations

import pytest

from runtime.api.errors import ApiError, ErrorCode
from runtime.sessions.services.output import Characters
from runtime.vms.command_line import split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ls -l /x", ["ls", "-l", "/x"]),
        ("  a\t b \n", ["a", "b"]),
        ("a 'b c' \"d 'e'\" 'f \"g\"'", ["a", "b c", "d 'e'", 'f "g"']),
        ("a'b'\"c\"d\\e", ["abcde"]),
        ("a '' \"\"", ["a", "", ""]),
        ('a "\\$x \\` \\" \\\\ \\n"', ["a", '$x ` " \\ \\n']),
        ("a '$x `y` | \\'", ["a", "$x `y` | \\"]),
        ("a \\| \\$x \\* \\#b \\ c", ["a", "|", "$x", "*", "#b", " c"]),
        ("a b=c b~ b#c {} ! if", ["a", "b=c", "b~", "b#c", "{}", "!", "if"]),
        ("'if' a", ["if", "a"]),
        ("iffy a", ["iffy", "a"]),
        ("a \\\nb", ["a", "b"]),
        ("a\\\nb", ["ab"]),
        (
            "caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{SNOWMAN}",
            ["caf\N{LATIN SMALL LETTER E WITH ACUTE}", "\N{SNOWMAN}"],
        ),
    ],
)
def test_words_are_those_of_a_shell(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.parametrize(
    ("line", "operator"),
    [
        ("a | b", "|"),
        ("a|b", "|"),
        ("a && b", "&"),
        ("a; b", ";"),
        ("a > b", ">"),
        ("a 2>&1", ">"),
        ("a < b", "<"),
        ("(a)", "("),
        ("a $HOME", "$"),
        ('a "$HOME"', "$"),
        ('a "x `y`"', "`"),
        ("a `b`", "`"),
        ("a *.py", "*"),
        ("a ?", "?"),
        ("a [bc]", "["),
        ("a ~/b", "~"),
        ("a # b", "#"),
        ("a\nb", "\n"),
        ("A=1 b", "A=1"),
        ("if a", "if"),
        ("! a", "!"),
        ("{ a }", "{"),
    ],
)
def test_what_needs_a_shell_is_refused_by_name(line: str, operator: str) -> None:
    with pytest.raises(ApiError) as caught:
        split(line)
    assert (caught.value.code, caught.value.data["operator"]) == (ErrorCode.INVALID_ARGUMENT, operator)


@pytest.mark.parametrize("line", ["", " ", "a 'b", 'a "b', 'a "b\\"', "a \\", "'"])
def test_lines_that_are_none(line: str) -> None:
    with pytest.raises(ApiError) as caught:
        split(line)
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    assert "operator" not in caught.value.data


@pytest.mark.parametrize("text", ["a\N{SNOWMAN}b", "\N{GRINNING FACE}" * 3, "\N{LATIN SMALL LETTER E WITH ACUTE}"])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_pieces_end_between_characters(text: str, size: int) -> None:
    data, characters = text.encode(), Characters()
    pieces = [characters.feed(data[start : start + size]) for start in range(0, len(data), size)]
    assert "".join(piece.decode() for piece in pieces) == text
    assert characters.rest() == b""


def test_bytes_that_are_no_characters_are_not_held_back() -> None:
    characters = Characters()
    assert characters.feed(b"\xff\xc3") == b"\xff"
    assert characters.feed(b"(") == b"\xc3("
    assert characters.feed(b"\xf0\x9f") == b""
    assert characters.rest() == b"\xf0\x9f"
    assert characters.rest() == b""
