"""Shells: commands on terminals, which clients type at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.api.content import as_content
from runtime.api.events import SHELL_DATA
from runtime.vms.command import Command

if TYPE_CHECKING:
    from runtime.vms.command import Stream
    from runtime.vms.terminal import TerminalProcess

PREFERRED: Final = ("/bin/bash", "/bin/sh")
"""What runs where a client does not say: the first of these that the VM has."""

_NAME: Final = "shell-"


class Shell(Command):
    """Output is what the terminal shows, and the end of input is that it is hung up."""

    def __init__(self, process: TerminalProcess) -> None:
        super().__init__(process, exact=False, timeout=None)
        self._terminal = process.terminal
        self._names: dict[str, Any] = {"shell": f"{_NAME}{process.pid}", "pid": process.pid}

    @staticmethod
    def pid_of(name: str) -> int | None:
        """The process of the shell that has this name."""
        number = name.removeprefix(_NAME)
        return int(number) if number != name and number.isascii() and number.isdigit() else None

    def names(self) -> dict[str, Any]:
        """The result of the API's `openShell`."""
        return self._names

    def how(self) -> dict[str, Any]:
        """The result of the API's `waitShell`, once it has ended."""
        return {**self._names, **self.exit_status()}

    def resize(self, rows: int, columns: int) -> None:
        """Give the terminal another size."""
        self._terminal.resize(rows, columns)

    def notice(self, _stream: Stream, offset: int, data: bytes) -> tuple[str, dict[str, Any]]:
        """See Command."""
        return SHELL_DATA, {"shell": self._names["shell"], "offset": offset, "data": as_content(data)}
