"""Bytes to numbers, names and lengths, within bounds: what the formats of components and of core modules share."""

from __future__ import annotations

from typing import Final

from runtime.engine.errors import UnsupportedComponentError

MAX_WORK: Final = 250_000
"""Everything that is read costs some work, and again whenever it is instantiated again. The largest guests at hand
(JavaScript engines, CPython) take 15,000 to 40,000; to spend all of this takes a second."""

BUILD_WORK: Final = 10
"""To build a type or a scope, compared with reading a number or a name."""

MAX_NAME: Final = 100_000
"""The bound of wasm-tools, and so of every toolchain."""

_MAX_U32_BYTES: Final = 5
_MAX_U64_BYTES: Final = 10


class Malformed(Exception):  # noqa: N818 - what the bytes are; `parse` makes an InvalidComponentError of it
    """The bytes are not what they should be; the message says what is wrong with them."""


def unsupported(what: str) -> UnsupportedComponentError:
    """The error that refuses a feature, by its name in the plural."""
    return UnsupportedComponentError(f"the component uses {what}, which this runtime does not support")


def too_complex(what: str) -> UnsupportedComponentError:
    """The error that refuses more of something than there is any use for."""
    return UnsupportedComponentError(f"the component is too complex: {what}")


class Budget:
    """How much work may yet be done for a component."""

    __slots__ = ("left",)

    def __init__(self, units: int = MAX_WORK) -> None:
        self.left = units

    def spend(self, units: int) -> None:
        """Raises UnsupportedComponentError when all is spent."""
        self.left -= units
        if self.left < 0:
            raise too_complex("reading it takes too long")


class Reader:
    """A range of bytes that is read from its beginning to its end. Raises Malformed where it is not as it should be."""

    __slots__ = ("at", "budget", "data", "end")

    def __init__(self, data: bytes, at: int, end: int, budget: Budget) -> None:
        self.data = data
        self.at = at
        self.end = end
        self.budget = budget

    def byte(self) -> int:
        """One byte."""
        at = self.at
        if at >= self.end:
            raise Malformed("it is cut short")
        self.at = at + 1
        return self.data[at]

    def u32(self) -> int:
        """An unsigned LEB128 number of 32 bits."""
        at = self.at
        if at < self.end and (first := self.data[at]) < 0x80:  # noqa: PLR2004 - without a continuation bit
            self.at = at + 1
            return first
        return self._unsigned(_MAX_U32_BYTES, 32)

    def u64(self) -> int:
        """An unsigned LEB128 number of 64 bits."""
        return self._unsigned(_MAX_U64_BYTES, 64)

    def _unsigned(self, longest: int, bits: int) -> int:
        number = 0
        for place in range(longest):
            byte = self.byte()
            number |= (byte & 0x7F) << 7 * place
            if not byte & 0x80:
                break
        else:
            raise Malformed("a number is too long")
        if number >> bits:
            raise Malformed("a number is too large")
        return number

    def type_index(self) -> int:
        """An index where a type's name could stand as well: a signed LEB128 number of 33 bits that is not negative."""
        start = self.at
        number = self._unsigned(_MAX_U32_BYTES, 35)
        if number >> (7 * (self.at - start) - 1):  # the sign
            raise Malformed("an unknown type")
        if number >> 32:
            raise Malformed("a number is too large")
        return number

    def name(self) -> str:
        """A length in bytes, and as much UTF-8."""
        length = self.u32()
        start = self.at
        if length > self.end - start:
            raise Malformed("it is cut short")
        if length > MAX_NAME:
            raise Malformed(f"a name is longer than {MAX_NAME} bytes")
        self.budget.spend(1 + (length >> 6))
        self.at = start + length
        try:
            return self.data[start : self.at].decode()
        except UnicodeDecodeError:
            raise Malformed("a name is not UTF-8") from None

    def count(self) -> int:
        """How many elements follow; the work for them is spent."""
        number = self.u32()
        if number > self.end - self.at:  # each takes a byte at least
            raise Malformed("it is cut short")
        self.budget.spend(number + 1)
        return number

    def flag(self) -> bool:
        """Whether something optional follows."""
        byte = self.byte()
        if byte > 1:
            raise Malformed(f"{byte:#04x} where 0 or 1 should be")
        return byte == 1

    def expect(self, byte: int) -> None:
        """A byte that is always the same."""
        found = self.byte()
        if found != byte:
            raise Malformed(f"{found:#04x} where {byte:#04x} should be")

    def part(self, size: int) -> Reader:
        """Hand the next `size` bytes to a reader of their own, and go on behind them."""
        if size > self.end - self.at:
            raise Malformed("it is cut short")
        start = self.at
        self.at = start + size
        return Reader(self.data, start, self.at, self.budget)

    def done(self, what: str) -> None:
        """Nothing may be left."""
        if self.at != self.end:
            raise Malformed(f"{what} is longer than what is in it")
