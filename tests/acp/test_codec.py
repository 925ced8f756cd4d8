from __future__ import annotations

import json
import tracemalloc

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.acp.codec import (
    _MENDED_BYTES,
    Decoder,
    ErrorObject,
    Large,
    Malformed,
    Notification,
    Request,
    Response,
    TooLong,
    decode_large_line,
    decode_line,
    encode_error,
    encode_notification,
    encode_request,
    encode_result,
)
from runtime.jsonrpc import INVALID_REQUEST, PARSE_ERROR
from runtime.large_json import MAX_ITEMS
from runtime.wire_json import encoded

LINES = (
    b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1}}\n'
    b"\r\n"
    b'{"jsonrpc":"2.0","method":"b"}\r\n'
    b"[]\n"
    b'{"jsonrpc":"2.0","id":7,"result":null}\n'
)


@given(st.lists(st.integers(min_value=0, max_value=len(LINES))))
def test_any_cut_of_the_stream_gives_the_same_frames(cuts: list[int]) -> None:
    decoder, frames, last = Decoder(), [], 0
    for cut in [*sorted(cuts), len(LINES)]:
        frames += decoder.feed(LINES[last:cut])
        last = cut
    assert frames == Decoder().feed(LINES)
    assert [type(frame) for frame in frames] == [Request, Notification, Malformed, Response]
    assert decoder.buffered == 0


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        (b'{"id":"x","method":"m","params":[1]}', Request("x", "m", [1])),
        (b'{"method":"m"}', Notification("m", None)),
        (b'{"id":0,"result":{"a":1}}', Response(0, result={"a": 1})),
        (b'{"id":0,"error":{"code":-5,"message":"no","data":[]}}', Response(0, error=ErrorObject(-5, "no", []))),
        (b'{"id":null,"error":{"code":-32700,"message":"what?"}}', Response(None, error=ErrorObject(-32700, "what?"))),
        (b'{"id":3,"error":"just text"}', Response(3, error=ErrorObject(-32603, "just text"))),
        (b'{"id":3,"error":{"code":true}}', Response(3, error=ErrorObject(-32603, ""))),
        (b'{"id":3.0,"result":1}', Response(3, result=1)),
        (b'{"id":3,"jsonrpc":"2.0"}', Response(3)),
        (b'\xef\xbb\xbf{"method":"\xff"}', Notification("\ufffd", None)),
        (b'{"method":"\\ud800","id":1180591620717411303424}', Request(2**70, "\ufffd", None)),
        (b'{"id":3,"result":[NaN,1e999,"\\x"]}', Response(3, result=[None, None, "\ufffd"])),
    ],
)
def test_messages(line: bytes, frame: object) -> None:
    assert decode_line(line) == frame


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"starting up...", PARSE_ERROR),
        (b'{"method":"m"', PARSE_ERROR),
        (b"[" * 100_000, PARSE_ERROR),
        (b'{"a":1e999}', INVALID_REQUEST),
        (b'{"a":' + b"9" * 5000 + b"}", INVALID_REQUEST),
        (b"[]", INVALID_REQUEST),
        (b'[{"method":"m"}]', INVALID_REQUEST),
        (b"3", INVALID_REQUEST),
        (b"{}", INVALID_REQUEST),
        (b'{"method":5,"id":1}', INVALID_REQUEST),
        (b'{"method":"m","id":null}', INVALID_REQUEST),
        (b'{"method":"m","id":true}', INVALID_REQUEST),
        (b'{"id":[],"result":1}', INVALID_REQUEST),
    ],
)
def test_what_is_no_message(line: bytes, code: int) -> None:
    frame = decode_line(line)
    assert isinstance(frame, Malformed)
    assert frame.code == code
    assert frame.size == len(line)


@pytest.mark.parametrize(
    ("line", "request_id", "answers"),
    [
        (b'{"jsonrpc":"2.0","id":3,"result":{"stopReason":"end', None, (3,)),
        (b'{"jsonrpc":"2.0","id":3,"result":' + b"[" * 5000 + b"]" * 5000 + b"}", None, (3,)),
        (b'{"jsonrpc":"2.0","result":[}],"id":"x"}', None, ("x",)),
        (b'{"jsonrpc":"2.0","result":{},"id":[3]}', None, (None,)),
        (b'{"jsonrpc":"2.0","result":{},"id":1.5}', None, (None,)),
        (b'[{"jsonrpc":"2.0","id":3,"result":{}},{"jsonrpc":"2.0","id":4,"method":"m"}]', None, (3,)),
        (b'{"jsonrpc":"2.0","id":3,"method":"m","params":[}', 3, ()),
        (b'{"jsonrpc":"2.0","id":3,"method":{}}', 3, ()),
        (b'{"level":"info","id":3,"text":"a log', None, ()),
        (b'{"jsonrpc":"2.0","method":"session/update","params":[}', None, ()),
    ],
)
def test_what_is_known_of_a_line_that_is_no_message(line: bytes, request_id: object, answers: object) -> None:
    frame = decode_line(line)
    assert isinstance(frame, Malformed)
    assert (frame.request, frame.answers) == (request_id, answers)


def test_the_last_line_needs_no_newline_if_it_is_whole() -> None:
    decoder = Decoder()
    assert decoder.feed(b'{"method":"m"}') == []
    assert decoder.finish() == [Notification("m", None)]
    decoder.feed(b'{"jsonrpc":"2.0","id":3,"result":{"stop')
    assert decoder.finish() == []


def test_a_line_that_is_too_long_is_skipped_in_bounded_memory() -> None:
    decoder = Decoder(max_line=1000)
    tracemalloc.start()
    try:
        frames = []
        for _ in range(1600):
            frames += decoder.feed(b"x" * 65536)  # 100 MiB
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    frames += decoder.feed(b'y\n{"method":"alive"}\n')
    assert frames == [TooLong(size=1600 * 65536 + 1, head="x" * 200), Notification("alive", None)]
    assert peak < 1024 * 1024


@pytest.mark.parametrize("excess", [0, 1])
def test_the_cap_is_exact_whether_or_not_the_newline_is_there(excess: int) -> None:
    line = json.dumps({"method": "m", "params": "x"}).encode() + b" " * excess
    for pieces in ([line + b"\n"], [line, b"\n"], [line[:5], line[5:], b"\n"]):
        decoder = Decoder(max_line=len(line) - excess)
        frames = [frame for piece in pieces for frame in decoder.feed(piece)]
        assert [type(frame) for frame in frames] == [TooLong if excess else Notification]


@pytest.mark.parametrize("before", [197, 198, 199, 200])
def test_the_head_of_a_line_ends_between_characters(before: int) -> None:
    line = b"x" * before + "\u4e16".encode() * 9
    head = "x" * before + ("\u4e16" if before == 197 else "")
    frame = decode_line(line)
    assert isinstance(frame, Malformed)
    assert frame.head == head
    (long,) = Decoder(max_line=210).feed(line + b"\n")
    assert isinstance(long, TooLong)
    assert long.head == head


def test_what_is_encoded_decodes_to_itself() -> None:
    assert decode_line(b"".join(encode_request(4, "m", [encoded({"a": "ü\n"})]))) == Request(4, "m", {"a": "ü\n"})
    assert decode_line(encode_notification("m", {})) == Notification("m", {})
    assert decode_line(encode_result("x", None)) == Response("x", result=None)
    assert decode_line(encode_error(None, ErrorObject(-1, "e", {"d": 1}))) == Response(
        None, error=ErrorObject(-1, "e", {"d": 1})
    )
    assert b"".join(encode_request(4, "m", [encoded({"a": "ü\n"})])).count(b"\n") == 1


async def test_a_large_line_is_read_as_a_small_one_is() -> None:
    text = ('\\n"\\ud83d\\ude00é' * 20_000).replace('"', '\\"')
    line = b'{"jsonrpc":"2.0","method":"session/update","params":{"update":{"text":"%s"}}}' % text.encode()
    (large,) = Decoder().feed(line + b"\n")
    assert isinstance(large, Large)
    assert await large.frame() == decode_line(line)
    torn = line.replace(b"\\ude00", b"").replace("é".encode(), b"\xff")
    assert await decode_large_line(torn) == attrs.evolve(decode_line(torn), torn_text=None)


async def test_a_large_line_is_mended_up_to_a_size() -> None:
    for spaces, kind in ((_MENDED_BYTES - 100, Response), (_MENDED_BYTES, Malformed)):
        line = b'{"jsonrpc":"2.0","id":3,"result":[NaN,"%s"%s]}' % (b"x" * _MENDED_BYTES, b" " * spaces)
        assert type(await decode_large_line(line)) is kind


async def test_a_large_last_line_is_read_in_steps_too() -> None:
    line = b'{"jsonrpc":"2.0","method":"m","params":"%s"}' % (b"x" * 200_000)
    decoder = Decoder()
    for at in range(0, len(line), 5000):
        assert decoder.feed(line[at : at + 5000]) == []
    assert decoder.buffered == len(line)
    (last,) = decoder.finish()
    assert isinstance(last, Large)
    assert len(last.pieces) > 2
    assert await last.frame() == decode_line(line)
    assert decoder.buffered == 0


async def test_a_large_line_has_so_many_members() -> None:
    line = b'{"jsonrpc":"2.0","id":7,"method":"x","params":[%s1]}' % (b"1," * MAX_ITEMS)
    frame = await decode_large_line(line)
    assert isinstance(frame, Malformed)
    assert (frame.code, frame.request, frame.size) == (INVALID_REQUEST, 7, len(line))
    answer = await decode_large_line(b'{"jsonrpc":"2.0","id":3,"result":[%s1]}' % (b"{}," * MAX_ITEMS))
    assert isinstance(answer, Malformed)
    assert answer.answers == (3,), "whoever waits for it is told"
    deep = await decode_large_line(b'{"jsonrpc":"2.0","id":7,"method":"x","params":' + b"[" * 40_000 + b" " * 40_000)
    assert isinstance(deep, Malformed)
