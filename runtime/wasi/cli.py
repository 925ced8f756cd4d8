"""wasi:cli: environment, exit, standard streams, terminals (WASI 0.2). No guest has a terminal yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from runtime.engine import Err, GuestExit, HostInterface, Ok, Resource
from runtime.wasi.streams import InputStream, OutputStream

if TYPE_CHECKING:
    from runtime.wasi.state import WasiState


class TerminalInput(Resource):
    """A terminal to read from."""


class TerminalOutput(Resource):
    """A terminal to write to."""


environment = HostInterface("wasi:cli/environment")
exit_ = HostInterface("wasi:cli/exit")
stdin = HostInterface("wasi:cli/stdin")
stdout = HostInterface("wasi:cli/stdout")
stderr = HostInterface("wasi:cli/stderr")
terminal_input = HostInterface("wasi:cli/terminal-input")
terminal_output = HostInterface("wasi:cli/terminal-output")
terminal_stdin = HostInterface("wasi:cli/terminal-stdin")
terminal_stdout = HostInterface("wasi:cli/terminal-stdout")
terminal_stderr = HostInterface("wasi:cli/terminal-stderr")

stdin.resource("input-stream", InputStream)
stdout.resource("output-stream", OutputStream)
stderr.resource("output-stream", OutputStream)
terminal_input.resource("terminal-input", TerminalInput)
terminal_output.resource("terminal-output", TerminalOutput)
terminal_stdin.resource("terminal-input", TerminalInput)
terminal_stdout.resource("terminal-output", TerminalOutput)
terminal_stderr.resource("terminal-output", TerminalOutput)


@environment.function("get-environment")
def get_environment(state: WasiState) -> list[tuple[str, str]]:
    """The guest's own variables; the daemon's are never among them."""
    return list(state.env().items())


@environment.function("get-arguments")
def get_arguments(state: WasiState) -> list[str]:
    """The command line, the program's name first."""
    return state.args()


@environment.function("initial-cwd")
def initial_cwd(state: WasiState) -> str:
    """The directory that relative paths are meant from."""
    return state.cwd


@exit_.function("exit")
def exit_with_status(_state: WasiState, status: Ok | Err) -> NoReturn:
    """End with 0 or 1."""
    raise GuestExit(0 if isinstance(status, Ok) else 1)


@exit_.function("exit-with-code")
def exit_with_code(_state: WasiState, code: int) -> NoReturn:
    """End with a code of the guest's choice."""
    raise GuestExit(code)


@stdin.function("get-stdin")
def get_stdin(state: WasiState) -> InputStream:
    """The guest's standard input."""
    return state.stdin


@stdout.function("get-stdout")
def get_stdout(state: WasiState) -> OutputStream:
    """The guest's standard output."""
    return state.stdout


@stderr.function("get-stderr")
def get_stderr(state: WasiState) -> OutputStream:
    """The guest's standard error."""
    return state.stderr


def _no_terminal(_state: WasiState) -> None:
    return None


terminal_stdin.function("get-terminal-stdin")(_no_terminal)
terminal_stdout.function("get-terminal-stdout")(_no_terminal)
terminal_stderr.function("get-terminal-stderr")(_no_terminal)

INTERFACES: Final = (
    environment,
    exit_,
    stdin,
    stdout,
    stderr,
    terminal_input,
    terminal_output,
    terminal_stdin,
    terminal_stdout,
    terminal_stderr,
)
