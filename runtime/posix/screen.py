"""What a terminal shows: bytes that were written, and those that are echoed, with the column that they lead to."""

from __future__ import annotations

from typing import Final

from runtime.posix.termios import DELETE, TAB, Local, Output, Termios

CAPACITY: Final = 64 * 1024
"""Bytes to be shown, as they were written; then the writer waits, and echo is dropped. As much as in a pipe."""

LOOKED_BACK: Final = 4096
"""Bytes at the end of an unfinished line by which its column is known: nobody erases a tab behind a longer one."""

_UNSEEN: Final = bytes(code for code in range(256) if code < 0x20 or code == DELETE or code & 0xC0 == 0x80)  # noqa: PLR2004 - ASCII, UTF-8
"""What takes no column: control characters, and all bytes of a character in UTF-8 but the first."""


class Screen:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.settings = Termios()
        self.stopped = False
        """^S was typed, and nothing is to be shown until ^Q is."""
        self.column = 0
        self._output = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Show bytes: how many there was room for, of those that were given."""
        taken = bytes(data[: self.room])
        self._show(taken)
        return len(taken)

    @property
    def room(self) -> int:
        """Bytes that `write` takes now."""
        return max(0, CAPACITY - len(self._output))

    def take(self) -> bytes:
        """All that is to be shown."""
        if self.stopped:
            return b""
        data = bytes(self._output)
        self._output.clear()
        return data

    def forget(self) -> None:
        """What was to be shown is gone."""
        self._output.clear()

    @property
    def shows_all(self) -> bool:
        """Whether everything that was written was taken."""
        return not self._output

    # Echo

    def echo(self, code: int) -> None:
        """Show a typed byte: control characters as ^X, but for tabs."""
        self.echo_raw(_CARETS[code] if self._carets else bytes((code,)))

    def echo_all(self, typed: bytes | bytearray) -> None:
        """As `echo`, for a text: 4 KiB of it in 0.1 ms."""
        if self.room:
            self.echo_raw(b"".join(map(_CARETS.__getitem__, typed)) if self._carets else bytes(typed))

    def echo_raw(self, data: bytes) -> None:
        """Show something that nobody has written, if there is room."""
        if self.room:
            self._show(data)

    def wipe(self, character: bytes, begin: int, before: bytes | bytearray) -> None:
        """Take a typed character off the screen, which followed `before`; that began at the column `begin`."""
        code = character[0]
        if code == ord("\t"):
            self.echo_raw(b"\b" * (TAB - self._beyond_stop(begin, before) % TAB))
        elif is_control(code):
            if self._carets:
                self.echo_raw(b"\b \b\b \b")
        else:
            self.echo_raw(b"\b \b")

    @property
    def _carets(self) -> bool:
        return bool(self.settings.local & Local.ECHOCTL)

    def _beyond_stop(self, begin: int, typed: bytes | bytearray) -> int:
        """How far beyond some tab stop the column is to which a text has led that was echoed from `begin` on."""
        tab = typed.rfind(b"\t")
        rest = typed[tab + 1 :]
        column = (begin if tab < 0 else 0) + len(rest.translate(None, _UNSEEN))
        return column + (2 * (len(rest) - len(rest.translate(None, _CONTROL))) if self._carets else 0)

    def _show(self, data: bytes) -> None:
        flags = self.settings.output
        if flags & Output.OPOST:
            if flags & Output.OCRNL:
                data = data.replace(b"\r", b"\n")
            self._follow(data, flags)
            if flags & Output.ONLCR:
                data = data.replace(b"\n", b"\r\n")
        self._output += data

    def _follow(self, data: bytes, flags: int) -> None:
        """Know the column after this was shown."""
        begin = max(data.rfind(b"\r"), data.rfind(b"\n") if flags & Output.ONLCR else -1)
        if begin >= 0:
            self.column = 0
        first, *others = data[max(begin + 1, len(data) - LOOKED_BACK) :].split(b"\t")
        self.column = max(0, self.column + _width(first))
        for each in others:
            self.column = max(0, self.column + TAB - self.column % TAB + _width(each))


def is_control(code: int) -> bool:
    """Whether it is a control character of ASCII."""
    return code < ord(" ") or code == DELETE


_CONTROL: Final = bytes(code for code in range(256) if is_control(code))
_CARETS: Final = tuple(
    bytes((ord("^"), code ^ 0x40)) if is_control(code) and code != ord("\t") else bytes((code,)) for code in range(256)
)
"""Each byte as it is echoed with ECHOCTL."""


def _width(text: bytes) -> int:
    """Columns to the right that a text without tabs leads."""
    return len(text.translate(None, _UNSEEN)) - text.count(b"\b")
