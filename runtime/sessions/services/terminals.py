"""ACP `terminal/*`: commands that an agent runs in its VM.

A terminal is one process with all that come from it, and the end of their output. It has ended as a command of a client has:
its process has, and nobody has its output open any more. It stays valid after `terminal/kill`, output and exit status included,
and ends with `terminal/release` or with its agent. ACP has nothing by which an agent could write to it: its stdin is at its
end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio

from runtime.api.errors import ApiError, ErrorCode
from runtime.jsonrpc import INVALID_PARAMS, RESOURCE_NOT_FOUND
from runtime.sessions.services.output import Output
from runtime.sessions.services.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.acp.messages import CreateTerminal
    from runtime.network import Egress
    from runtime.sessions.ports import Process, VmServices

MAX_TERMINALS: Final = 64
"""Terminals of one agent that are not released; agents run a handful, and each may keep its output."""

DEFAULT_OUTPUT: Final = 1024 * 1024
"""Bytes of output kept where the agent names no limit: what a model can make use of, ten times over."""

MAX_OUTPUT: Final = 8 * 1024 * 1024
"""The most that is kept whatever the VM's limit says: it is resent in full, as one line, on every `terminal/output`."""

MAX_SHOWN: Final = 64 * 1024
"""Bytes of a command's output that go into the transcript: more than a person scrolls through, and a session may run
thousands."""

_SHELL: Final = frozenset(" \t\n|&;<>()$`\"'*?[~")


class Terminal:
    """One process and its output."""

    def __init__(self, process: Process, limit: int, hold: Callable[[int], None]) -> None:
        self._hold = hold
        self.process = process
        self.exit_status: dict[str, Any] | None = None
        """A `TerminalExitStatus`, once it has ended."""
        self.ended = trio.Event()
        self._output = Output(limit)

    async def run(self) -> None:
        """Collect the output until the command has ended; cancelling it kills all that is left of it."""
        try:
            while data := await self.process.receive():
                before = len(self._output)
                self._output.write(data)
                self._hold(len(self._output) - before)
            status = await self.process.wait()
            self.exit_status = {"exitCode": status.code, "signal": self.process.signal}
        finally:
            self.process.kill()
            self.ended.set()

    def forget(self) -> None:
        """End it; nobody will ask for its output."""
        self.process.kill()
        self._hold(-len(self._output))
        self._output.limit = 0

    def shown(self) -> dict[str, Any]:
        """What people are shown of it afterwards: the members of `TERMINAL_ENDED`."""
        text, truncated = self._output.tail(MAX_SHOWN)
        status = self.exit_status or {"exitCode": None, "signal": self.process.signal}
        return {"output": text, "truncated": truncated, **status}

    def output(self) -> dict[str, Any]:
        """The result of `terminal/output`."""
        text = self._output.text()
        result = {"output": text, "truncated": self._output.truncated}
        return result if self.exit_status is None else {**result, "exitStatus": self.exit_status}


class Terminals:
    """The terminals of one agent. Their ids begin with `name`."""

    def __init__(self, vm: VmServices, name: str, cwd: str, egress: Egress, hold: Callable[[int], None]) -> None:
        self._vm = vm
        self._name = name
        self._hold = hold
        self._egress = egress
        self._cwd = cwd
        self._terminals: dict[str, Terminal] = {}
        self._next = 1

    async def create(self, request: CreateTerminal) -> tuple[str, Terminal]:
        """Start a command: its terminal's id, and the terminal, whose `run` the caller starts. Raises `RefusedError`.

        A command gets the environment of its request only: the session's own `env` is for the agent.
        """
        if len(self._terminals) >= MAX_TERMINALS:
            raise RefusedError(INVALID_PARAMS, f"{MAX_TERMINALS} terminals are open: release some")
        env = {variable.name: variable.value for variable in request.env or ()}
        limit = DEFAULT_OUTPUT if request.output_byte_limit is None else request.output_byte_limit
        argv = command_line(request.command, request.args or [])
        try:
            process = await self._vm.spawn(argv, env, request.cwd or self._cwd, egress=self._egress, merged=True)
        except ApiError as error:
            code = RESOURCE_NOT_FOUND if error.code is ErrorCode.NOT_FOUND else INVALID_PARAMS
            raise RefusedError(code, error.message, error.to_data()) from error
        process.end_input()
        terminal = Terminal(process, max(0, min(limit, self._vm.output_bytes, MAX_OUTPUT)), self._hold)
        id_ = f"{self._name}_{self._next}"
        self._next += 1
        self._terminals[id_] = terminal
        return id_, terminal

    def get(self, terminal_id: str) -> Terminal:
        """The terminal. Raises `RefusedError` where there is none, or none any more."""
        terminal = self._terminals.get(terminal_id)
        if terminal is None:
            raise RefusedError(RESOURCE_NOT_FOUND, f"no terminal {terminal_id!r}", {"terminalId": terminal_id})
        return terminal

    def has(self, terminal_id: str) -> bool:
        """Whether there is such a terminal, and it is not released."""
        return terminal_id in self._terminals

    def release(self, terminal_id: str) -> None:
        """Kill what still runs and forget the terminal. Raises `RefusedError`."""
        self.get(terminal_id).forget()
        del self._terminals[terminal_id]

    def close(self) -> None:
        """Release all."""
        for terminal in self._terminals.values():
            terminal.forget()
        self._terminals.clear()


def command_line(command: str, args: list[str]) -> list[str]:
    """The argv of a terminal. Agents often put a whole line of shell into `command`: such a one goes to the shell."""
    if not args and any(character in _SHELL for character in command):
        return ["/bin/sh", "-c", command]
    return [command, *args]
