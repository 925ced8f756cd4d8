from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runtime.text import decoded, mended, outline, read_anyway, whole
from runtime.wire_json import encoded

any_text = st.text(st.characters() | st.characters(categories=["Cs"]) | st.sampled_from('\\u"d83'))


@given(any_text)
@example("\ud83d\ude00 \ud83d \ude00 \ude00\ud83d \\ud83d \\\\\ud83d")
def test_halves_of_characters_are_joined_or_replaced_and_nothing_else_is_changed(text: str) -> None:
    line = json.dumps(text).encode()
    told = whole(text)
    assert told == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert decoded(line, msgspec.json.decode) == told
    assert msgspec.json.decode(mended(line)) == told
    assert read_anyway(line) == told
    assert encoded({"a": [text], text: (text,)}) == msgspec.json.encode({"a": [told], told: (told,)})


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (b'"x\xffy"', "x\ufffdy"),
        (b'"\xf0\x9f\x98"', "\ufffd"),
        (b'"\xed\xa0\xbd\xed\xb8\x80"', "\U0001f600"),  # CESU-8
        (b'"\xed\xa0\xbd"', "\ufffd"),
        (b'\xef\xbb\xbf{"a":"\xef\xbb\xbf"}', {"a": "\ufeff"}),
        (b'"a\x00b\tc"', "a\x00b\tc"),
        (rb'"\u12"', "\ufffd"),
        (rb'"\x41\\x\u123g\ud83d\u1"', "\ufffd41\\x\ufffdg\ufffd\ufffd"),
        (b"[NaN,Infinity,-Infinity,1e999,-1e999,1.5]", [None, None, None, None, None, 1.5]),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"[12345678901234567890123," + b"1" * 5000 + b"]", [12345678901234567890123, None]),
    ],
)
def test_what_is_meant_by_a_line_that_is_no_json_for_its_text_or_numbers(line: bytes, meant: object) -> None:
    assert read_anyway(line) == meant


@pytest.mark.parametrize("line", [b"", b"{", b'{"a":}', b'"\\', b'"a" "b"', b"{'a':1}", b'{"a":1}\x00'])
def test_what_is_no_json_at_all(line: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        read_anyway(line)


@pytest.mark.parametrize(
    ("line", "members"),
    [
        (b'{"jsonrpc":"2.0","id":3,"result":{"cut', {"jsonrpc": "2.0", "id": 3}),
        (
            b'\xef\xbb\xbf { "id" : "\\u0061\xff" , "method":"m\\n", "params":' + b"[" * 9,
            {"id": "a\ufffd", "method": "m\n"},
        ),
        (b'{"params":[[}],"id" : -7 } ', {"id": -7}),
        (b'{"params":{"a":"x,\\"id\\":5}', {}),
        (b'{"params":["id",5]}', {}),
        (b'{"id":' + b"1" * 5000 + b',"method":"m"}', {"method": "m"}),
        (b'[{"id":3}]', {}),
        (b"{" + b'"a":1,' * 15 + b'"id":3,"params":{"cut', {"a": 1, "id": 3}),
        (b"{" + b'"a":1,' * 16 + b'"id":3,"params":{"cut', {"a": 1}),
        (b'{"params":[[}],"id":-7' + b" " * 291 + b"}", {"id": -7}),
        (b'{"params":[[}],"id":-7' + b" " * 292 + b"}", {}),
        (b"garbage", {}),
    ],
)
def test_what_can_be_known_of_a_line_that_cannot_be_read(line: bytes, members: object) -> None:
    assert outline(line) == members
