"""A terminal's line discipline: what becomes of bytes that are typed (POSIX XBD 11; where that leaves a choice, Linux's n_tty).

It knows no processes and waits for nothing: it says which signals were typed, and holds what can be read.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from runtime.posix.screen import Screen
from runtime.posix.signals import Signal
from runtime.posix.termios import DISABLED, Control, Input, Local, Termios

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_INPUT: Final = 4096
"""Bytes that were typed and not read: of a line, its end among them. Linux's (MAX_CANON is less only in its documentation)."""


class Line:
    """See the module's docstring. `signal` is called with what was typed: SIGINT, SIGQUIT, SIGTSTP."""

    def __init__(self, signal: Callable[[Signal], None]) -> None:
        self.settings = Termios()
        self.screen: Final = Screen()
        self._signal = signal
        self._lines: deque[bytes] = deque()
        """Whole lines with their ends; one that was ended by ^D has none. In raw mode there are none."""
        self._whole = 0
        """Bytes of these, where an end counts even if it is none."""
        self._edited = bytearray()
        """The line that is being typed; in raw mode all that can be read."""
        self._literal = False
        """^V was typed: the next byte is meant as such."""
        self._begin = 0
        """The column where the line that is being typed begins: what was written before it cannot be erased."""

    # What programs do

    def change(self, settings: Termios) -> None:
        """Set the terminal. What was typed before stays: as a line, if there are to be lines now."""
        was, self.settings = self.settings.local, settings
        self.screen.settings = settings
        if (was ^ settings.local) & Local.ICANON:
            typed = b"".join(self._lines) + self._edited
            self.forget_input()
            if not settings.local & Local.ICANON:
                self._edited += typed
            elif typed:
                self._add(typed)
        if not settings.input & Input.IXON:
            self.screen.stopped = False

    def readable(self) -> int:
        """Bytes that can be read now."""
        return sum(map(len, self._lines)) if self._canonical else len(self._edited)

    def is_readable(self, size: int | None = None) -> bool:
        """Whether a read of so many bytes has an answer (VMIN, VTIME); without a size, whether poll says so."""
        if self._canonical:
            return bool(self._lines)
        least, time = self._of(Control.MIN), self._of(Control.TIME)
        if size is None:
            return len(self._edited) >= (max(1, least) if not time else 1)
        # Between two bytes no time is waited: a program that gives one gets what there is.
        return len(self._edited) >= (min(least, size) if not time else 1)

    def patience(self) -> float | None:
        """Seconds after which a read is answered with nothing (VTIME without VMIN); None: it waits."""
        time = self._of(Control.TIME)
        return None if self._canonical or not time or self._of(Control.MIN) else time / 10

    def read(self, size: int) -> bytes:
        """What is there, of a line at most; b"" also for an end of file. To be called when it `is_readable`."""
        if not self._canonical:
            data = bytes(self._edited[:size])
            del self._edited[:size]
            return data
        line = self._lines.popleft()
        self._whole -= max(1, len(line[:size]))
        if len(line) > size:
            self._lines.appendleft(line[size:])
        return line[:size]

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Show bytes: how many there was room for, of those that were given."""
        taken = self.screen.write(data)
        self._begin = self.screen.column
        return taken

    def forget_input(self) -> None:
        """What was typed and not read is gone."""
        self._lines.clear()
        self._whole = 0
        self._edited.clear()
        self._literal = False

    # What the other side does

    def type(self, data: bytes | bytearray | memoryview) -> int:
        """Take typed bytes: how many, before there was no room for what can be read."""
        for place, code in enumerate(bytes(data)):
            if not self._has_room:
                return place
            self._type(code)
        return len(data)

    @property
    def _has_room(self) -> bool:
        """A line that is too long is cut, since else it could not be ended; what nobody reads has to wait."""
        if self._canonical and not self._lines:
            return True
        return self._whole + len(self._edited) < MAX_INPUT

    def _type(self, code: int) -> None:
        flags = self.settings.input
        if flags & Input.ISTRIP:
            code &= 0x7F
        if self._literal:
            self._literal = False
            self._keep(code)
            return
        if self._steers(code):
            return
        if code == ord("\r"):
            if flags & Input.IGNCR:
                return
            if flags & Input.ICRNL:
                code = ord("\n")
        elif code == ord("\n") and flags & Input.INLCR:
            code = ord("\r")
        if not (self._canonical and self._edits(code)):
            self._keep(code)

    def _steers(self, code: int) -> bool:
        """Whether it is one that stops and starts the output, or sends a signal."""
        if self.settings.input & Input.IXON:
            if self._is(code, Control.START):
                self.screen.stopped = False
                return True
            if self._is(code, Control.STOP):
                self.screen.stopped = True
                return True
            if self.settings.input & Input.IXANY:
                self.screen.stopped = False
        if self._local(Local.ISIG):
            for control, number in _SIGNALS.items():
                if self._is(code, control):
                    self._interrupt(code, number)
                    return True
        return False

    def _interrupt(self, code: int, number: Signal) -> None:
        if not self._local(Local.NOFLSH):
            self.forget_input()
            self.screen.forget()
        self.screen.stopped = False
        if self._local(Local.ECHO):
            self.screen.echo(code)
        self._signal(number)

    # Lines

    def _edits(self, code: int) -> bool:
        """Do what the byte means while a line is typed. False: it is a part of it."""
        if self._ends(code):
            return True
        extended = self._local(Local.IEXTEN)
        if self._is(code, Control.ERASE):
            self._erase_one()
        elif self._is(code, Control.KILL):
            self._erase_line(code)
        elif extended and self._is(code, Control.WERASE):
            self._erase_word()
        elif extended and self._is(code, Control.LNEXT):
            self._literal = True
            if self._local(Local.ECHO) and self._local(Local.ECHOCTL):
                self.screen.echo_raw(b"^\b")
        elif extended and self._local(Local.ECHO) and self._is(code, Control.REPRINT):
            self._reprint(code)
        else:
            return False
        return True

    def _ends(self, code: int) -> bool:
        """Whether the byte ends the line, which it then has."""
        if code == ord("\n"):
            if self._local(Local.ECHO) or self._local(Local.ECHONL):
                self.screen.echo_raw(b"\n")
            self._end(b"\n")
        elif self._is(code, Control.EOF):
            self._end(b"")
        elif self._is(code, Control.EOL) or (self._local(Local.IEXTEN) and self._is(code, Control.EOL2)):
            if self._local(Local.ECHO):
                self.screen.echo(code)
            self._end(bytes((code,)))
        else:
            return False
        return True

    def _end(self, end: bytes) -> None:
        self._add(bytes(self._edited) + end)
        self._edited.clear()
        self._begin = self.screen.column

    def _add(self, line: bytes) -> None:
        self._lines.append(line)
        self._whole += max(1, len(line))

    def _keep(self, code: int) -> None:
        """Add a byte to what is typed."""
        if self._canonical and len(self._edited) >= MAX_INPUT - 1:  # there has to be room for its end
            if self.settings.input & Input.IMAXBEL:
                self.screen.echo_raw(b"\a")
            return
        if self._local(Local.ECHO):
            if not self._edited:
                self._begin = self.screen.column
            if code == ord("\n"):
                self.screen.echo_raw(b"\n")
            else:
                self.screen.echo(code)
        self._edited.append(code)

    def _reprint(self, code: int) -> None:
        self.screen.echo(code)
        self.screen.echo_raw(b"\n")
        self._begin = self.screen.column
        self.screen.echo_all(self._edited)

    def _erase_one(self) -> None:
        if not self._edited:
            return
        character = self._cut()
        if not self._local(Local.ECHO):
            return
        if self._local(Local.ECHOE):
            self.screen.wipe(character, self._begin, self._edited)
        else:
            self.screen.echo(self._of(Control.ERASE))

    def _erase_word(self) -> None:
        seen = False
        while self._edited:
            last = self._edited[-1]
            is_of_word = last >= 0x80 or chr(last).isalnum() or last == ord("_")  # noqa: PLR2004 - beyond ASCII
            if seen and not is_of_word:
                break
            seen |= is_of_word
            character = self._cut()
            if self._local(Local.ECHO):
                self.screen.wipe(character, self._begin, self._edited)

    def _erase_line(self, code: int) -> None:
        echoes = self._local(Local.ECHO)
        if echoes and all(map(self._local, (Local.ECHOK, Local.ECHOKE, Local.ECHOE))):
            while self._edited:
                self.screen.wipe(self._cut(), self._begin, self._edited)
            return
        if not self._edited:
            return
        self._edited.clear()
        if echoes:
            self.screen.echo(code)
            if self._local(Local.ECHOK):
                self.screen.echo_raw(b"\n")

    def _cut(self) -> bytes:
        """The last character, taken off the line."""
        start = len(self._edited) - 1
        if self.settings.input & Input.IUTF8:
            while start and self._edited[start] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8 goes on
                start -= 1
        character = bytes(self._edited[start:])
        del self._edited[start:]
        return character

    @property
    def _canonical(self) -> bool:
        return bool(self.settings.local & Local.ICANON)

    def _local(self, flag: int) -> bool:
        return bool(self.settings.local & flag)

    def _of(self, control: Control) -> int:
        return self.settings.characters[control]

    def _is(self, code: int, control: Control) -> bool:
        return code != DISABLED and self.settings.characters[control] == code


_SIGNALS: Final = {Control.INTR: Signal.INT, Control.QUIT: Signal.QUIT, Control.SUSP: Signal.TSTP}
"""What sends which signal."""
