"""edit changes what it was asked to change: line ends, byte order marks and encodings stay, and what is unclear is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runtime.testing.script import ToolCall, Turn, say
from tests.agents.pi import results

if TYPE_CHECKING:
    from tests.agents.pi import Pi

UTF8_BOM = b"\xef\xbb\xbf"


def change(old: str, new: str) -> list[dict[str, Any]]:
    return [{"oldText": old, "newText": new}]


CHANGED: dict[str, tuple[bytes, Any, bytes]] = {
    "a byte order mark": (UTF8_BOM + b"a = 1\nb\n", change("a = 1", "a = 2"), UTF8_BOM + b"a = 2\nb\n"),
    "U+FEFF within": ("x\ufeffy\na\n".encode(), change("a", "b"), "x\ufeffy\nb\n".encode()),
    "mixed line ends": (b"one\r\ntwo\nthree\n", change("one", "ONE"), b"ONE\r\ntwo\nthree\n"),
    "mixed line ends in the text": (
        b"a\r\nb\nc\r\nd\n",
        change("a\nb\nc\nd", "a\nB\nnew\nc\nd"),
        b"a\r\nB\nnew\nc\r\nd\n",
    ),
    "a new line among CRLF": (b"a\r\nb\r\n", change("a", "a\nnew"), b"a\r\nnew\r\nb\r\n"),
    "a text that begins with a line end": (b"a\r\nb\r\n", change("\nb", "\nnew\nb"), b"a\r\nnew\r\nb\r\n"),
    "a text that ends with a line end": (b"a\r\nb\r\n", change("a\n", "A\nnew\n"), b"A\r\nnew\r\nb\r\n"),
    "CRLF by name": (b"a\r\nb\r\n", change("a\r\nb", "a\nb"), b"a\nb\r\n"),
    "CRLF by name where there is none": (b"a\nb\n", change("a\r\nb", "a\r\nc"), b"a\nc\n"),
    "carriage returns as line ends": (b"a\rb\rc", change("a\nb", "a\nB\nnew"), b"a\rB\rnew\rc"),
    "a lone carriage return": (b"10%\r20%\nx\n", change("x", "y"), b"10%\r20%\ny\n"),
    "no line end at the end": (b"a\nb", change("b", "c"), b"a\nc"),
    "Latin-1": (b"caf\xe9\nx = 1\n", change("x = 1", "x = 2"), b"caf\xe9\nx = 2\n"),
    "broken UTF-8": (b"\xff ok \xc3( x\n", change("ok", "OK"), b"\xff OK \xc3( x\n"),
    "letters of four bytes": ("\U0001f600\U0001f601".encode(), change("\U0001f600", "x"), "x\U0001f601".encode()),
    "letters that patterns have": (b"a.b(c)[d]\\/\n", change("a.b(c)[d]\\/", "$& $1"), b"$& $1\n"),
    "two changes": (b"a\nb\nc\n", [*change("a", "1"), *change("c", "3")], b"1\nb\n3\n"),
    "edits as text": (b"a\n", json.dumps(change("a", "b")), b"b\n"),
    "each edit as text": (b"a\n", [json.dumps(change("a", "b")[0])], b"b\n"),
    "one edit": (b"a\n", change("a", "b")[0], b"b\n"),
    "one edit as text": (b"a\n", json.dumps(change("a", "b")[0]), b"b\n"),
    "edits in single quotes": (b'say "a"\n', """[{'oldText': 'say "a"', 'newText': 'it\\'s\\nb'}]""", b"it's\nb\n"),
}

REFUSED: dict[str, tuple[bytes, Any, str]] = {
    "text that is there twice": (b"a a\n", change("a", "b"), "2 times"),
    "text that overlaps itself": (b"aaa\n", change("aa", "b"), "2 times"),
    "text that is there with other line ends twice": (b"a\r\nb\ra\rb\n", change("a\nb", ""), "2 times"),
    "no text": (b"a\n", change("", "b"), "use write"),
    "the same text": (b"a\n", change("a", "a"), "as it is"),
    "one of two": (b"a\nb\n", [*change("a", "1"), *change("z", "2")], "is not in"),
    "the second in the text of the first": (b"a\n", [*change("a", "bc"), *change("c", "d")], "is not in"),
    "two of the same place": (b"ab\n", [*change("ab", "x"), *change("b", "y")], "same text"),
    "another normal form": ("e\u0301\n".encode(), change("\u00e9", "e"), "accents included"),
    "another space": ("a\u00a0b\n".encode(), change("a b", "c"), "is not in"),
    "other quotes": ("\u201chi\u201d\n".encode(), change('"hi"', "c"), "is not in"),
    "spaces at the end of a line": (b"a  \nb\n", change("a\nb", "c"), "is not in"),
    "UTF-16": ("\ufeffa = 1\n".encode("utf-16-le"), change("a", "b"), "UTF-16"),
    "UTF-16 without a mark": ("a = 1\n".encode("utf-16-be"), change("a", "b"), "binary"),
    "a letter that Latin-1 has": (b"caf\xe9\n", change("caf\u00e9", "tea"), "not UTF-8"),
    "a letter for Latin-1": (b"caf\xe9\nx\n", change("x", "\u00e9"), "not UTF-8"),
    "what stands for other bytes": (b"caf\xe9\n", change("\ufffd", "e"), "not UTF-8"),
    "half of a letter of Shift JIS": (b"\x83A\x83\xff\n", change("A", "B"), "is not in"),
    "half of a surrogate pair": ("\ufffd\n".encode(), change("\ud83d", "x"), "half of a character"),
    "null": (b"null\n", [{"oldText": "null", "newText": None}], "newText must be text"),
    "a number": (b"5\n", [{"oldText": 5, "newText": "6"}], "oldText must be text"),
    "no edits": (b"a\n", [], "edits"),
    "edits in words": (b"a\n", "a becomes b", "not JSON"),
}


async def edited(pi: Pi, cases: dict[str, tuple[bytes, Any, Any]]) -> dict[str, tuple[bytes, bool, str]]:
    """What each edit made of its file, whether it failed, and what was said; all are made in one turn."""
    calls = tuple(
        ToolCall("edit", raw_input=json.dumps({"path": f"f{number}", "edits": edits}))
        for number, (_, edits, _) in enumerate(cases.values())
    )
    async with pi.talking_to(Turn(calls), say("ok")) as (bench, model):
        for number, (before, _, _) in enumerate(cases.values()):
            await bench.write(f"/home/user/f{number}", before)
        assert await bench.say("go") == "ok"
        after = [await bench.read(f"/home/user/f{number}") for number in range(len(cases))]
        failed = [result["is_error"] for result in model.requests[-1].tool_results()]
        return dict(zip(cases, zip(after, failed, results(model), strict=True), strict=True))


async def test_nothing_else_changes(pi: Pi) -> None:
    seen = await edited(pi, CHANGED)
    assert {name: each[:2] for name, each in seen.items()} == {
        name: (after, False) for name, (_, _, after) in CHANGED.items()
    }


async def test_what_is_unclear_is_refused_and_the_file_stays(pi: Pi) -> None:
    seen = await edited(pi, REFUSED)
    assert {name: each[:2] for name, each in seen.items()} == {
        name: (before, True) for name, (before, _, _) in REFUSED.items()
    }
    assert [name for name, (_, _, words) in REFUSED.items() if words not in seen[name][2]] == []


async def test_a_change_beside_the_list_is_made_as_well(pi: Pi) -> None:
    beside = {"path": "f", "edits": change("a", "b"), "oldText": "c", "newText": "d"}
    async with pi.talking_to(Turn((ToolCall("edit", beside),)), say("ok")) as (bench, _):
        await bench.write("/home/user/f", b"a c\n")
        await bench.ask("go")
        assert await bench.read("/home/user/f") == b"b d\n"


async def test_a_file_for_which_there_is_no_room_stays_as_it_was(pi: Pi) -> None:
    """The conversation has to fit, which the call is a part of, and the change after it does not."""
    calls = (ToolCall("edit", {"path": "f", "edits": change("one", "y" * 100_000)}),)
    async with pi.talking_to(Turn(calls), say("ok"), vm={"limits": {"fileBytes": 300_000}}) as (bench, model):
        await bench.write("/home/user/filler", bytes(120_000))
        await bench.write("/home/user/f", b"one\n")
        assert await bench.say("go") == "ok"
        assert results(model) == ["ENOSPC: no space left on device: /home/user/f"]
        assert await bench.read("/home/user/f") == b"one\n"
