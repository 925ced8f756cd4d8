"""Processes on terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.posix.descriptions import How
from runtime.posix.terminal import Terminal, TerminalDescription
from runtime.vms.process import FirstProcess

if TYPE_CHECKING:
    from runtime.network import HttpGate
    from runtime.posix.process import PosixProcess
    from runtime.vms.process import Kind

Size = tuple[int, int]
"""A terminal's rows and columns."""


class TerminalProcess(FirstProcess):
    """The first process of a terminal, of which the host has the other end."""

    def __init__(self, record: PosixProcess, cwd: str, kind: Kind, gate: HttpGate, size: Size) -> None:
        super().__init__(record, cwd, kind, gate)
        self.terminal: Final = Terminal(record, *size)
        record.terminal = self.terminal
        end = TerminalDescription(self.terminal, How.READ | How.WRITE)
        for number in range(3):
            record.table.set(number, end, closes=False)

    async def send(self, data: bytes) -> None:
        """Type; waits while nobody reads. Raises trio.BrokenResourceError when the terminal was hung up."""
        await self.terminal.send(data)

    def end_input(self) -> None:
        """Hang up. Idempotent."""
        self.terminal.hang_up()

    async def receive_both(self) -> tuple[bytes, bytes]:
        """What the terminal shows next, and nothing else; both are empty at the end."""
        return await self.terminal.receive(), b""
