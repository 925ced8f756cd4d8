from __future__ import annotations

import pytest

from runtime.engine import WitError
from runtime.network.connections import MAX_HEADER_BYTES, MAX_HEADERS
from runtime.wasi.http_fields import FORBIDDEN, Fields, content_length


def error_of(function: object, *arguments: object) -> object:
    assert callable(function)
    with pytest.raises(WitError) as caught:
        function(*arguments)
    return caught.value.value


def test_names_ignore_case_and_values_keep_their_order() -> None:
    fields = Fields.from_guest([("Accept", b"a"), ("X-One", b"1"), ("accept", b"b")])
    fields.append("ACCEPT", b"c")
    assert fields.get("Accept") == [b"a", b"b", b"c"]
    assert fields.entries() == [("accept", b"a"), ("x-one", b"1"), ("accept", b"b"), ("accept", b"c")]
    fields.set("accept", [b"x", b"y"])
    assert fields.get("accept") == [b"x", b"y"]
    fields.set("x-one", [])
    assert fields.get("x-one") == []
    fields.delete("accept")
    fields.delete("never-there")
    assert fields.entries() == []


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_the_hosts_own_headers_are_forbidden(name: str) -> None:
    fields = Fields()
    assert error_of(fields.set, name, [b"x"]) == "forbidden"
    assert error_of(fields.append, name.upper(), b"x") == "forbidden"
    assert error_of(fields.delete, name) == "forbidden"
    assert error_of(Fields.from_guest, [(name, b"x")]) == "forbidden"
    assert fields.get(name) == []


@pytest.mark.parametrize("name", ["", "a b", "a:", "ä", "a\r\nb", "a\x00"])
def test_malformed_names(name: str) -> None:
    assert error_of(Fields().append, name, b"x") == "invalid-syntax"
    assert Fields().get(name) == []


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"\x00", b"\x7f"])
def test_malformed_values(value: bytes) -> None:
    fields = Fields()
    assert error_of(fields.append, "a", value) == "invalid-syntax"
    assert error_of(fields.set, "a", [b"good", value]) == "invalid-syntax"
    assert error_of(Fields.from_guest, [("a", value)]) == "invalid-syntax"
    assert fields.entries() == []


def test_values_may_be_any_other_bytes() -> None:
    fields = Fields()
    fields.append("a", "tab\t and ä".encode("latin-1"))
    assert fields.get("a") == ["tab\t and ä".encode("latin-1")]


def test_immutable_fields() -> None:
    fields = Fields([("a", b"1")]).frozen()
    assert error_of(fields.set, "a", []) == "immutable"
    assert error_of(fields.append, "a", b"2") == "immutable"
    assert error_of(fields.delete, "a") == "immutable"
    assert fields.entries() == [("a", b"1")]


def test_caps() -> None:
    fields = Fields.from_guest([("a", b"")] * MAX_HEADERS)
    assert error_of(fields.append, "a", b"") == "invalid-syntax"
    assert error_of(Fields.from_guest, [("a", b"")] * (MAX_HEADERS + 1)) == "invalid-syntax"
    assert error_of(Fields().set, "a", [b"x" * MAX_HEADER_BYTES]) == "invalid-syntax"


def test_room_is_counted_exactly() -> None:
    half = b"x" * (MAX_HEADER_BYTES // 2 - 1)
    fields = Fields.from_guest([("a", half)])
    fields.append("b", half)
    for full in (fields, Fields(fields.entries())):
        assert error_of(full.append, "c", b"") == "invalid-syntax"
    fields.delete("a")
    assert error_of(fields.append, "c", b"\n") == "invalid-syntax"
    fields.append("c", half)
    assert error_of(fields.append, "d", b"") == "invalid-syntax"
    fields.set("b", [half[:-1]])
    fields.append("d", b"")
    assert [name for name, _ in fields.entries()] == ["c", "b", "d"]


def test_what_is_too_long_is_no_name() -> None:
    fields, name = Fields(), "n" * (MAX_HEADER_BYTES + 1)
    assert error_of(fields.append, name, b"") == "invalid-syntax"
    assert error_of(fields.delete, name) == "invalid-syntax"
    assert fields.get(name) == []


def test_content_length() -> None:
    assert content_length([("a", b"1")]) is None
    assert content_length([("content-length", b"12")]) == 12
    assert content_length([("content-length", b"12"), ("content-length", b"12")]) == 12
    for values in ([b"x"], [b"-1"], [b"1", b"2"], [b""], [b"1, 1"], [b"9" * 40]):
        with pytest.raises(ValueError, match="content-length"):
            content_length([("content-length", value) for value in values])
