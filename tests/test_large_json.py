"""Large JSON in small steps says what it says in one."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from typing import Any

import msgspec
import pytest
import trio

from runtime import large_json
from runtime.acp.codec import Malformed, decode_large_line
from runtime.api.content import Bytes
from runtime.api.many_files import FileWritten
from runtime.large_json import (
    CUT_BYTES,
    MAX_ITEMS,
    TooManyItemsError,
    content_bytes,
    is_small,
    one,
    parts,
    sha256,
    shortened,
)
from runtime.rpc.messages import Refusal, parse_large_line
from runtime.wire_json import encoded

ALPHABET = ["a", "é", "\u20ac", "\U0001f600", '"', "\\", "\n", "/", "\x00", " ", "u", "d83d"]


def read(text: bytes) -> str:
    string: str = msgspec.json.decode(text)
    return string


async def read_back(line: bytes) -> Any:
    short = await shortened(line, read)
    return await short.filled(msgspec.json.decode(short.rest))


async def unpack(value: Any) -> Any:
    line = json.dumps(value).encode()
    short = await shortened(line, read)
    return await short.filled(msgspec.json.decode(short.rest), unpack=True)


def value_of(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(6 if depth < 4 else 4)
    if kind == 0:
        return chance.choice([None, True, 1, -2.5])
    if kind in (1, 2, 3):
        return "".join(chance.choices(ALPHABET, k=chance.choice([0, 1, 5, 130, 1000])))
    if kind == 4:
        return [value_of(chance, depth + 1) for _ in range(chance.randrange(5))]
    return {"".join(chance.choices(ALPHABET, k=chance.choice([1, 200]))): value_of(chance, depth + 1) for _ in range(4)}


@pytest.mark.parametrize("piece", [24, 48, 96 * 1024])
@pytest.mark.parametrize("ascii_only", [True, False])
async def test_what_is_read_is_what_was_said(monkeypatch: pytest.MonkeyPatch, piece: int, ascii_only: bool) -> None:
    """However it is cut: in pieces that end in the middle of escapes, of pairs of them, and of characters."""
    monkeypatch.setattr(large_json, "PIECE_BYTES", piece)
    chance = random.Random(piece)  # noqa: S311 - the same values each time
    for _ in range(300):
        value = value_of(chance)
        line = json.dumps(value, ensure_ascii=ascii_only).encode()
        assert await read_back(line) == value
        assert json.loads(b"".join(await parts(value))) == value


@pytest.mark.parametrize(
    "line",
    [
        b'"' + b"a" * 500,
        b'{"a":"' + b"\\" * 501,
        b'"' + b"\\u12" * 100 + b'"',
        b"[" * 2000,
        b'"\xff' + b"a" * 500 + b'"',
        b"{",
    ],
)
async def test_what_is_no_json_stays_none(monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.setattr(large_json, "PIECE_BYTES", 24)
    with pytest.raises((ValueError, RecursionError)):
        await read_back(line)


async def test_a_mark_cannot_be_forged() -> None:
    first = await shortened(b'["' + b"a" * 500 + b'"]', read)
    (mark,) = first.strings
    value = [mark, "b" * 500]
    assert await read_back(json.dumps(value).encode()) == value


async def test_there_are_so_many_items() -> None:
    await shortened(b"[" + b"1," * (MAX_ITEMS - 1) + b"1]", read)
    for line in (b"[" + b"1," * MAX_ITEMS + b"1]", b"[" * (MAX_ITEMS + 1), b"{" * (MAX_ITEMS + 1)):
        with pytest.raises(TooManyItemsError, match=str(MAX_ITEMS)):
            await shortened(line, read)
    assert await read_back(json.dumps(["," * 10 * MAX_ITEMS, '\\",[{' * MAX_ITEMS]).encode())


async def test_the_rest_has_a_size() -> None:
    with pytest.raises(TooManyItemsError):
        await shortened(b"[" + b" " * (large_json.MAX_REST_BYTES + 1) + b"]", read)


async def test_strings_are_cut_out_from_a_length_on() -> None:
    for size, count in ((CUT_BYTES - 1, 0), (CUT_BYTES, 1)):
        assert len((await shortened(b'["%s"]' % (b"x" * size), read)).strings) == count


@pytest.mark.parametrize(("spaces", "told"), [(900, 7), (1100, None)])
async def test_whose_line_it_is_is_looked_for_at_its_beginning(spaces: int, told: int | None) -> None:
    start = b'{"jsonrpc":"2.0","method":"x",%s"id":7,"params":' % (b" " * spaces)
    line = start + b"[%s1]}" % (b"1," * MAX_ITEMS)
    frame, refusal = await decode_large_line(line), await parse_large_line(line)
    assert isinstance(frame, Malformed)
    assert isinstance(refusal, Refusal)
    assert (frame.request, refusal.id) == (told, told)


async def test_base64_is_decoded_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_json, "PIECE_BYTES", 24)
    for size in (0, 1, 17, 18, 19, 500):
        data = bytes(n * 7 % 256 for n in range(size))
        text = base64.b64encode(data).decode()
        assert await unpack([{"content": {"base64": text}}]) == [{"content": {"base64": data}}]
        assert msgspec.json.decode(b"".join(await parts({"base64": data}))) == {"base64": text}
    for text in ("A", "AA==" * 20, "!" * 100, "A" * 23 + "=" + "A" * 24, "é" * 24):
        assert await unpack({"base64": text}) == {"base64": text}, "whoever wants bytes says what is wrong"
    assert await unpack({"base64": "AA==", "more": 1}) == {"base64": "AA==", "more": 1}


async def test_text_becomes_bytes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_json, "PIECE_BYTES", 24)
    monkeypatch.setattr(large_json, "SMALL_BYTES", 24)
    text = "".join(ALPHABET) * 100
    assert await content_bytes(text) == text.encode()
    assert await content_bytes("") == b""
    assert await content_bytes(Bytes(b"x")) == b"x"


async def test_what_is_large_is_put_together_by_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[Any] = []
    run_sync = trio.to_thread.run_sync

    async def counted(*args: Any, **options: Any) -> Any:
        threads.append(args)
        return await run_sync(*args, **options)

    monkeypatch.setattr(trio.to_thread, "run_sync", counted)
    assert await one([b"a" * 1000, b"b"]) == b"a" * 1000 + b"b"
    assert not threads
    assert await one([b"a" * large_json.JOINED_AT_ONCE, b"b"]) == b"a" * large_json.JOINED_AT_ONCE + b"b"
    data = bytes(n % 256 for n in range(256)) * 10_000
    assert await unpack({"base64": base64.b64encode(data).decode()}) == {"base64": data}
    assert len(threads) == 2


async def test_others_have_their_turn() -> None:
    """A step for each piece: counted, not timed."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    value = {"text": "x" * 10_000_000, "list": [{"name": str(n)} for n in range(20_000)], "bytes": b"y" * 3_000_000}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        written = await parts(value)
        written_turns, turns = turns, 0
        line = b"".join(written)
        short = await shortened(line, read)
        read_turns, turns = turns, 0
        assert await short.filled(msgspec.json.decode(short.rest), unpack=True) == msgspec.json.decode(line)
        nursery.cancel_scope.cancel()
    assert written_turns > len(line) // (2 * large_json.PIECE_BYTES)
    assert read_turns > len(line) // (2 * large_json.PIECE_BYTES)
    assert turns > 20_000 * 100 // (2 * large_json.PIECE_BYTES)
    assert max(map(len, written)) < 4 * large_json.PIECE_BYTES
    assert line == encoded(value)
    assert len(short.rest) < 1_000_000


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ([FileWritten(f"/{number}") for number in range(10_000)], 10_000),
        ([FileWritten(f"/{number}" + 3000 * "d") for number in range(1000)], 1000 * 3000 // 100),
        ([{"path": f"/{number}", "size": number, "type": "file"} for number in range(10_000)], 40_000),
        ([str(number) for number in range(20_000)], 20_000),
        ({str(number): number for number in range(10_000)}, 20_000),
    ],
    ids=["structs", "long", "entries", "names", "members"],
)
async def test_small_things_count_as_much_as_they_take(value: Any, items: int) -> None:
    """To look at one takes longer than to write it."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        written = await parts(value)
        nursery.cancel_scope.cancel()
    assert turns > items * 100 // (2 * large_json.PIECE_BYTES)
    assert max(map(len, written)) < 2 * large_json.PIECE_BYTES
    assert b"".join(written) == encoded(value)


async def test_the_hash_of_a_large_value_is_that_of_its_json_in_order() -> None:
    for value in (
        [{"type": "text", "text": "x"}],
        [{"type": "text", "text": "x" * 3_000_000}, {"z": 1, "a": {"y": "é" * 200_000, "b": None}}],
        {str(number): {"b": number, "a": []} for number in range(20_000, 0, -1)},
    ):
        assert await sha256(value) == hashlib.sha256(msgspec.json.encode(value, order="sorted")).digest()
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await sha256("x" * 10_000_000)
        nursery.cancel_scope.cancel()
    assert turns > 2 * 10_000_000 // (2 * large_json.PIECE_BYTES)


def test_small_is_told_at_once() -> None:
    assert is_small([1, 2, {"a": "b"}])
    assert not is_small("x" * large_json.SMALL_BYTES * 2)
    assert not is_small([[]] * large_json.SMALL_BYTES)
    assert is_small([FileWritten("/a")])
    assert not is_small([FileWritten("/" + "a" * large_json.SMALL_BYTES)])
    assert not is_small({"event": msgspec.Raw(b" " * large_json.SMALL_BYTES * 2)})
