"""The first line of scripts (execve(2))."""

from __future__ import annotations

import pytest

from runtime.posix.errnos import Errno, PosixError
from runtime.posix.programs import HEAD_BYTES, interpreter


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"#!/bin/sh\n", [b"/bin/sh"]),
        (b"#!/bin/sh", [b"/bin/sh"]),
        (b"#! \t/bin/sh  -e x \nrest", [b"/bin/sh", b"-e x"]),
    ],
)
def test_an_interpreter_and_its_one_argument(line: bytes, words: list[bytes]) -> None:
    assert interpreter(line) == words


@pytest.mark.parametrize("line", [b"#!", b"#!\n/bin/sh", b"#! \n", b"#!/bin\0/sh\n"])
def test_no_interpreter(line: bytes) -> None:
    with pytest.raises(PosixError) as refused:
        interpreter(line)
    assert refused.value.errno is Errno.ENOEXEC


def test_the_first_line_is_of_a_size() -> None:
    whole = b"#!" + b"x" * (HEAD_BYTES - 3)
    assert interpreter(whole + b"\n") == [whole[2:]]
    with pytest.raises(PosixError):
        interpreter(whole + b"x")
