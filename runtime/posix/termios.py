"""The settings of a terminal: Linux's struct termios with its numbers, as far as they mean something here."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

import attrs

# Plain numbers: each typed byte is compared with a dozen of them, and flags of `enum` take a microsecond each.


class Input:
    """Of `c_iflag`."""

    ISTRIP: Final = 0o40
    INLCR: Final = 0o100
    IGNCR: Final = 0o200
    ICRNL: Final = 0o400
    IXON: Final = 0o2000
    IXANY: Final = 0o4000
    IMAXBEL: Final = 0o20000
    IUTF8: Final = 0o40000


class Output:
    """Of `c_oflag`."""

    OPOST: Final = 0o1
    ONLCR: Final = 0o4
    OCRNL: Final = 0o10


class Local:
    """Of `c_lflag`."""

    ISIG: Final = 0o1
    ICANON: Final = 0o2
    ECHO: Final = 0o10
    ECHOE: Final = 0o20
    ECHOK: Final = 0o40
    ECHONL: Final = 0o100
    NOFLSH: Final = 0o200
    TOSTOP: Final = 0o400
    ECHOCTL: Final = 0o1000
    ECHOKE: Final = 0o4000
    IEXTEN: Final = 0o100000


class Control(IntEnum):
    """Places in `c_cc`."""

    INTR = 0
    QUIT = 1
    ERASE = 2
    KILL = 3
    EOF = 4
    TIME = 5
    MIN = 6
    START = 8
    STOP = 9
    SUSP = 10
    EOL = 11
    REPRINT = 12
    WERASE = 14
    LNEXT = 15
    EOL2 = 16


_RECORD: Final = struct.Struct("<IIIIB32s3xII")

DISABLED: Final = 0
"""A control character that is this one stands for nothing (_POSIX_VDISABLE)."""

DELETE: Final = 0x7F
"""The control character of ASCII that is not among the first."""

TAB: Final = 8
"""Columns between two stops."""

BAUD: Final = 0o17
"""38400, as Linux says of terminals that are no lines."""

EIGHT_BITS: Final = 0o60 | 0o200 | BAUD
"""CS8 and CREAD: nothing else is ever done."""

_CHARACTERS: Final = {
    Control.INTR: 0x03,
    Control.QUIT: 0x1C,
    Control.ERASE: 0x7F,
    Control.KILL: 0x15,
    Control.EOF: 0x04,
    Control.MIN: 1,
    Control.START: 0x11,
    Control.STOP: 0x13,
    Control.SUSP: 0x1A,
    Control.REPRINT: 0x12,
    Control.WERASE: 0x17,
    Control.LNEXT: 0x16,
}


@attrs.frozen
class Termios:
    """A terminal's settings. As it stands: those of a new pseudo-terminal on Linux, with UTF-8."""

    input: int = Input.ICRNL | Input.IXON | Input.IUTF8
    output: int = Output.OPOST | Output.ONLCR
    control: int = EIGHT_BITS
    local: int = (
        Local.ISIG | Local.ICANON | Local.ECHO | Local.ECHOE | Local.ECHOK | Local.ECHOCTL | Local.ECHOKE | Local.IEXTEN
    )
    discipline: int = 0
    characters: bytes = bytes(_CHARACTERS.get(Control(place), 0) if place in set(Control) else 0 for place in range(32))
    input_speed: int = BAUD
    output_speed: int = BAUD

    @classmethod
    def of(cls, record: bytes) -> Termios:
        """From the 60 bytes of struct termios."""
        return cls(*_RECORD.unpack(record))

    def record(self) -> bytes:
        """The same 60 bytes."""
        return _RECORD.pack(*attrs.astuple(self))


RECORD_BYTES: Final = _RECORD.size
"""Of struct termios."""
