"""What becomes of bytes that are typed at a terminal, as Linux has it."""

from __future__ import annotations

import sys
from typing import Any

import attrs
import pytest

from runtime.posix.line import MAX_INPUT, Line
from runtime.posix.screen import CAPACITY, LOOKED_BACK
from runtime.posix.signals import Signal
from runtime.posix.termios import RECORD_BYTES, Control, Input, Local, Output, Termios

COOKED = Termios()


def without(settings: Termios, local: int = 0, **characters: int) -> Termios:
    """Settings without these flags, and with other control characters."""
    changed = bytearray(settings.characters)
    for name, code in characters.items():
        changed[Control[name]] = code
    return attrs.evolve(settings, local=settings.local & ~local, characters=bytes(changed))


RAW = attrs.evolve(without(COOKED, Local.ICANON | Local.ECHO | Local.ISIG | Local.IEXTEN), input=0, output=0)


def new(settings: Termios = COOKED) -> tuple[Line, list[Signal]]:
    """A terminal, and the signals that are typed at it."""
    signals: list[Signal] = []
    line = Line(signals.append)
    line.change(settings)
    return line, signals


def lines_of(line: Line) -> list[bytes]:
    """All that can be read."""
    found = []
    while line.is_readable():
        found.append(line.read(MAX_INPUT))
    return found


@pytest.mark.parametrize(
    ("typed", "read", "shown"),
    [
        (b"ab\r", [b"ab\n"], b"ab\r\n"),
        (b"ab\n", [b"ab\n"], b"ab\r\n"),
        (b"ab", [], b"ab"),
        (b"a\rb\r", [b"a\n", b"b\n"], b"a\r\nb\r\n"),
        (b"ab\x7fc\r", [b"ac\n"], b"ab\b \bc\r\n"),
        (b"\x7f\r", [b"\n"], b"\r\n"),
        (b"\xc3\xa4\x7fb\r", [b"b\n"], b"\xc3\xa4\b \bb\r\n"),
        (b"a\x01\x7fb\r", [b"ab\n"], b"a^A\b \b\b \bb\r\n"),
        (b"ab\x15c\r", [b"c\n"], b"ab\b \b\b \bc\r\n"),
        (b"one two \x17x\r", [b"one x\n"], b"one two " + 4 * b"\b \b" + b"x\r\n"),
        (b"a/b\x17\r", [b"a/\n"], b"a/b\b \b\r\n"),
        (b"a\t\x7fb\r", [b"ab\n"], b"a\t" + 7 * b"\b" + b"b\r\n"),
        (b"a\x01\t\x7f\r", [b"a\x01\n"], b"a^A\t" + 5 * b"\b" + b"\r\n"),
        (b"ab\x04", [b"ab"], b"ab"),
        (b"\x04", [b""], b""),
        (b"a\x16\x03b\r", [b"a\x03b\n"], b"a^\b^Cb\r\n"),
        (b"ab\x12c\r", [b"abc\n"], b"ab^R\r\nabc\r\n"),
        (b"\x1b[A\r", [b"\x1b[A\n"], b"^[[A\r\n"),
    ],
)
def test_lines(typed: bytes, read: list[bytes], shown: bytes) -> None:
    line, signals = new()
    assert line.type(typed) == len(typed)
    assert line.screen.take() == shown
    assert lines_of(line) == read
    assert signals == []


@pytest.mark.parametrize(
    ("off", "typed", "read", "shown"),
    [
        (Local.ECHO, b"ab\x7f\x15c\x17d\r", [b"d\n"], b""),
        (Local.ECHOCTL, b"\x01\x7f\x01\r", [b"\x01\n"], b"\x01\x01\r\n"),
        (Local.ECHOE, b"ab\x7f\r", [b"a\n"], b"ab^?\r\n"),
        (Local.ECHOKE, b"ab\x15c\r", [b"c\n"], b"ab^U\r\nc\r\n"),
        (Local.ECHOKE | Local.ECHOK, b"ab\x15c\r", [b"c\n"], b"ab^Uc\r\n"),
        (Local.IEXTEN, b"a\x17\x16\x12\r", [b"a\x17\x16\x12\n"], b"a^W^V^R\r\n"),
        (Local.ISIG, b"a\x03\r", [b"a\x03\n"], b"a^C\r\n"),
    ],
)
def test_lines_without_some_flags(off: int, typed: bytes, read: list[bytes], shown: bytes) -> None:
    line, signals = new(without(COOKED, off))
    line.type(typed)
    assert (lines_of(line), line.screen.take(), signals) == (read, shown, [])


def test_other_ends_of_lines() -> None:
    line, _ = new(without(COOKED, EOL=ord(";"), EOL2=ord("!")))
    line.type(b"a;b!c\n")
    assert lines_of(line) == [b"a;", b"b!", b"c\n"]
    line, _ = new(attrs.evolve(without(COOKED, Local.ECHO), local=Local.ICANON | Local.ECHONL))
    line.type(b"secret\n")
    assert line.screen.take() == b"\r\n"


@pytest.mark.parametrize(
    ("flags", "typed", "read"),
    [
        (Input.IGNCR, b"a\rb\n", b"ab\n"),
        (Input.INLCR, b"a\n\x04", b"a\r"),
        (Input.ISTRIP, b"\xe1\n", b"a\n"),
        (0, b"a\r\x04", b"a\r"),
    ],
)
def test_what_is_typed_is_translated(flags: int, typed: bytes, read: bytes) -> None:
    line, _ = new(attrs.evolve(COOKED, input=flags))
    line.type(typed)
    assert line.read(99) == read


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        (Output.OPOST | Output.ONLCR, b"a\r\nb\r"),
        (Output.OPOST | Output.OCRNL, b"a\nb\n"),
        (Output.OPOST, b"a\nb\r"),
        (Output.ONLCR, b"a\nb\r"),
    ],
)
def test_what_is_written_is_translated(flags: int, shown: bytes) -> None:
    line, _ = new(attrs.evolve(COOKED, output=flags))
    line.write(b"a\nb\r")
    assert line.screen.take() == shown


@pytest.mark.parametrize(
    ("code", "number", "shown"), [(3, Signal.INT, b"^C"), (28, Signal.QUIT, b"^\\"), (26, Signal.TSTP, b"^Z")]
)
def test_signals(code: int, number: Signal, shown: bytes) -> None:
    line, signals = new()
    line.type(b"a\rb")
    line.write(b"much to say")
    line.type(bytes((code,)))
    assert signals == [number]
    assert line.screen.take() == shown
    assert lines_of(line) == []
    line, signals = new(attrs.evolve(COOKED, local=COOKED.local | Local.NOFLSH))
    line.type(b"a\rb" + bytes((code,)) + b"c\r")
    assert (signals, lines_of(line)) == ([number], [b"a\n", b"bc\n"])


def test_output_stops_and_goes_on() -> None:
    line, signals = new()
    line.type(b"\x13")
    line.write(b"later")
    assert line.screen.take() == b""
    line.type(b"\x11")
    assert line.screen.take() == b"later"
    line.type(b"\x13\x03")
    assert (line.screen.take(), signals) == (b"^C", [Signal.INT])
    line.change(attrs.evolve(COOKED, input=COOKED.input | Input.IXANY))
    line.type(b"\x13a")
    assert line.screen.take() == b"a"
    line.type(b"\x13")
    line.change(RAW)
    line.write(b"x")
    assert line.screen.take() == b"x"


def test_a_line_is_read_in_pieces_and_one_at_a_time() -> None:
    line, _ = new()
    line.type(b"abc\rd\r")
    assert line.readable() == 6
    assert [line.read(2), line.read(99), line.read(99)] == [b"ab", b"c\n", b"d\n"]
    assert not line.is_readable()


def test_an_end_of_file_after_a_line_of_just_that_size_is_none_more() -> None:
    line, _ = new()
    line.type(b"abc\x04")
    assert line.read(3) == b"abc"
    assert not line.is_readable()


@pytest.mark.parametrize(
    ("least", "time", "typed", "size", "answers", "polls", "seconds"),
    [
        (1, 0, b"", 9, False, False, None),
        (1, 0, b"a", 9, True, True, None),
        (3, 0, b"ab", 9, False, False, None),
        (3, 0, b"ab", 2, True, False, None),
        (3, 0, b"abc", 9, True, True, None),
        (0, 0, b"", 9, True, False, None),
        (0, 5, b"", 9, False, False, 0.5),
        (0, 5, b"a", 9, True, True, 0.5),
        (3, 5, b"", 9, False, False, None),
        (3, 5, b"a", 9, True, True, None),
    ],
)
def test_raw_reads(
    least: int, time: int, typed: bytes, size: int, answers: bool, polls: bool, seconds: float | None
) -> None:
    line, signals = new(without(RAW, MIN=least, TIME=time))
    line.type(typed)
    assert (line.is_readable(size), line.is_readable(), line.patience()) == (answers, polls, seconds)
    line.type(b"\x03\x04\x7f\r\n")
    assert line.read(99) == typed + b"\x03\x04\x7f\r\n"
    assert (line.screen.take(), signals) == (b"", [])


def test_what_was_typed_survives_a_change_of_the_mode() -> None:
    line, _ = new()
    line.type(b"one\rtwo")
    line.change(RAW)
    assert line.readable() == 7
    line.change(COOKED)
    assert lines_of(line) == [b"one\ntwo"]
    line.change(RAW)
    line.change(COOKED)
    assert not line.is_readable(), "of nothing comes no end of file"


def test_a_line_is_so_long() -> None:
    line, _ = new()
    assert line.type(b"x" * (MAX_INPUT + 100) + b"\n") == MAX_INPUT + 101
    assert line.read(2 * MAX_INPUT) == b"x" * (MAX_INPUT - 1) + b"\n"
    line, _ = new(attrs.evolve(without(COOKED, Local.ECHO), input=COOKED.input | Input.IMAXBEL))
    line.type(b"x" * (MAX_INPUT + 1))
    assert line.screen.take() == b"\a\a"


def test_what_nobody_reads_has_to_wait() -> None:
    for settings, piece in ((RAW, b"x"), (COOKED, b"\n"), (COOKED, b"\x04")):
        line, _ = new(settings)
        assert line.type(piece * 2 * MAX_INPUT) == MAX_INPUT
        line.read(1)
        assert line.type(piece * 2) == 1


def test_what_nobody_takes_has_to_wait_and_echo_is_dropped() -> None:
    line, signals = new()
    assert line.write(bytes(CAPACITY + 1)) == CAPACITY
    assert line.write(b"x") == 0
    line.type(b"ab\r")
    assert len(line.screen.take()) == CAPACITY
    assert line.read(9) == b"ab\n"
    line.write(b"\x13" + bytes(CAPACITY))
    line.type(b"\x03")
    assert (line.screen.take(), signals) == (b"^C", [Signal.INT])


def test_a_tab_is_erased_to_where_it_began() -> None:
    line, _ = new()
    line.write(b"prompt\t> ")
    line.type(b"\t\x7f")
    assert line.screen.take() == b"prompt\t> \t" + 6 * b"\b"
    line.write(b"x" * (LOOKED_BACK + 9))
    assert line.screen.column == 10 + LOOKED_BACK


def test_the_record_of_settings() -> None:
    record = COOKED.record()
    assert len(record) == RECORD_BYTES == 60
    assert Termios.of(record) == COOKED
    assert COOKED.characters[:5] == b"\x03\x1c\x7f\x15\x04"


@pytest.mark.parametrize("typed", [b"\t", b"x\t", b"\x16\x01", b"x"])
@pytest.mark.parametrize("keys", [b"\x15", b"\x17", b"\x12" * 100])
def test_a_key_does_not_do_more_the_longer_the_line_for_each_of_its_bytes(typed: bytes, keys: bytes) -> None:
    line, _ = new()
    line.type(typed * ((MAX_INPUT - 1) // len(typed)))
    line.screen.take()
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        line.type(keys)
    finally:
        sys.setprofile(before)
    assert calls < 20 * MAX_INPUT
