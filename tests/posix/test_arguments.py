"""Arguments and environment: how they are given, how much there may be, and what is shown of them."""

from __future__ import annotations

import pytest

from runtime.posix.arguments import MAX_BYTES, MAX_STRINGS, SHOWN, Arguments
from runtime.posix.errnos import Errno, PosixError


def test_a_program_begins_with_so_much() -> None:
    most = b"a" * (MAX_BYTES - 1) + b"\0"
    Arguments.given(most, b"")
    for arguments, environment in ((most, b"\0"), (b"\0", most)):
        with pytest.raises(PosixError) as refused:
            Arguments.given(arguments, environment)
        assert refused.value.errno is Errno.E2BIG
    script = Arguments.given(b"x\0" + most[2:], b"")
    with pytest.raises(PosixError):
        script.behind([b"interpreter", b"script"])


def test_a_program_begins_with_so_many_strings() -> None:
    arguments, environment = b"\0" * 10, b"\0" * (MAX_STRINGS - 10)
    Arguments.given(arguments, environment)
    with pytest.raises(PosixError) as refused:
        Arguments.given(arguments, environment + b"\0")
    assert refused.value.errno is Errno.E2BIG


def test_a_last_string_has_its_end() -> None:
    with pytest.raises(PosixError) as refused:
        Arguments.given(b"a\0b", b"")
    assert refused.value.errno is Errno.EINVAL


def test_people_are_shown_so_much() -> None:
    assert Arguments.of(["a", "", "ä"], {}).shown() == ["a", "", "ä"]
    shown = Arguments.of(["x" * SHOWN, "more"], {}).shown()
    assert shown == ["x" * SHOWN]


def test_the_record() -> None:
    arguments = Arguments.of(["a", "b"], {"V": "1"})
    assert arguments.record() == b"\2\0\0\0\1\0\0\0a\0b\0V=1\0"
    assert Arguments.of([], {}).record() == bytes(8)


def test_a_variable_that_is_there_twice() -> None:
    assert Arguments.given(b"", b"A=1\0A=2\0none\0").variables() == {"A": "1"}
