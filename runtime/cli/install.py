"""What an installation needs around it: `compile`, `completions`, `systemd` and `licenses`."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from runtime.cli import exits, output

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from runtime.cli.table import Table
    from runtime.engine import Engine

UNITS: Final = ("torpor.socket", "torpor.service")
LICENSES: Final = "LICENSES.txt"
"""Beside the packages in the single executable, and beside the agents in a wheel, where the builds put it."""


def register(table: Table) -> None:
    """Enter the commands."""
    command = table.command(
        "compile",
        compile_,
        "compile agents and commands ahead, so that nobody has to wait for it",
        epilog="What is compiled already is left alone. The agents are looked for where a daemon with the environment of this "
        "command would look.",
        starts=False,
    )
    command.add_argument(
        "agents",
        metavar="AGENT",
        nargs="*",
        help="an agent, or the path of a component, with a slash (default: all agents, and the commands of /bin)",
    )
    command = table.command(
        "completions",
        completions,
        "print the completions of a shell",
        epilog="bash: torpor completions bash > ~/.local/share/bash-completion/completions/torpor. "
        "zsh: torpor completions zsh > DIRECTORY_OF_FPATH/_torpor. "
        "fish: torpor completions fish > ~/.config/fish/completions/torpor.fish.",
        starts=False,
    )
    command.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")
    command = table.command(
        "systemd", systemd, "write systemd's user units that start the daemon when it is needed", starts=False
    )
    command.add_argument("--directory", metavar="DIR", help="where to (default: ~/.config/systemd/user)")
    licences = "print the licences of what the single executable contains"
    table.command("licenses", licenses, licences, starts=False)


def compile_(args: argparse.Namespace) -> int:
    """Compile what is not compiled yet; return the exit code, which is that of a failure if one fails."""
    import trio

    from runtime.api.errors import ApiError
    from runtime.engine import CacheDirectoryError, open_cache
    from runtime.posix.host import make_engine

    try:
        components = _components(args.agents)
        engine = make_engine(open_cache())
    except (ApiError, CacheDirectoryError) as error:
        output.say(str(error))
        return exits.FAILED
    return trio.run(partial(_compile_all, engine, components, as_json=args.json))


def _components(named: list[str]) -> dict[str, Path]:
    """The files by what they are called; those of all agents and commands that have been built unless some are named.

    Agents without a build have none. Raises ApiError.
    """
    from pathlib import Path

    from runtime.vms.agent_programs import ComponentRef
    from runtime.vms.base import built_in_components
    from runtime.vms.catalogue import Catalogue, built_in_directory, user_directories

    catalogue = Catalogue(built_in_directory(), user_directories())
    if not named:
        programs = {agent.id: agent.program for agent in catalogue.list() if not agent.problem}
        found = {name: program.path for name, program in programs.items() if isinstance(program, ComponentRef)}
        return found | {each.path.name: each.path for each in built_in_components()}
    programs = {name: ComponentRef(Path(name)) if "/" in name else catalogue.get(name).program for name in named}
    return {name: program.path for name, program in programs.items() if isinstance(program, ComponentRef)}


async def _compile_all(engine: Engine, components: dict[str, Path], *, as_json: bool) -> int:
    from runtime.engine import ComponentError

    code = exits.OK
    for name, path in components.items():
        try:
            await _compile(engine, name, path, as_json=as_json)
        except (ComponentError, OSError) as error:
            output.say(f"{name}: {error.strerror if isinstance(error, OSError) else error}")
            code = exits.FAILED
    return code


async def _compile(engine: Engine, name: str, path: Path, *, as_json: bool) -> None:
    content = path.read_bytes()  # noqa: ASYNC240 - nothing else is going on
    made = engine.is_cached(content)
    if not (made or as_json):
        sys.stdout.write(output.printable(f"{name}: compiling {len(content) / 1e6:.1f} MB\n"))
        sys.stdout.flush()
    started = time.monotonic()
    await engine.load_content(content)  # unlike load_bytes it can be interrupted
    seconds = time.monotonic() - started
    if as_json:
        output.write_json({"agent": name, "bytes": len(content), "compiled": not made, "seconds": round(seconds, 3)})
    else:
        said = "is compiled already" if made else f"compiled in {seconds:.1f} s"
        sys.stdout.write(output.printable(f"{name}: {said}\n"))
        sys.stdout.flush()


def completions(args: argparse.Namespace) -> int:
    """Print what a shell needs to complete this command line; build/completions.py writes these files."""
    from pathlib import Path

    text = (Path(__file__).with_name("shells") / f"torpor.{args.shell}").read_text("utf-8")
    if args.json:
        output.write_json({"shell": args.shell, "script": text})
    else:
        sys.stdout.write(text)
    return exits.OK


def systemd(args: argparse.Namespace) -> int:
    """Write the units that start the daemon when its socket is first connected to, and say what makes systemd use them."""
    from pathlib import Path

    directory = Path(args.directory).absolute() if args.directory else _directory()
    directory.mkdir(parents=True, exist_ok=True)
    program = " ".join(_quoted(part) for part in _program_line())
    for name in UNITS:
        text = (Path(__file__).with_name("units") / name).read_text("utf-8").replace("@PROGRAM@", program)
        (directory / name).write_text(text, "utf-8")
    following = "systemctl --user daemon-reload && systemctl --user enable --now torpor.socket"
    if args.json:
        output.write_json({"units": [os.fspath(directory / name) for name in UNITS], "next": following})
    else:
        output.say(f"{' and '.join(UNITS)} are in {directory}; stop a daemon that runs (`torpor stop`), then:")
        sys.stdout.write(following + "\n")
    return exits.OK


def _program_line() -> list[str]:
    """Return the command line by which this program is to be started later, by absolute paths."""
    from pathlib import Path

    from runtime.executable import is_single_executable

    # The single executable names itself before it runs what it has unpacked.
    executable = os.environ.get("TORPOR_EXECUTABLE")
    if executable and is_single_executable():
        return [executable]
    script = Path(sys.argv[0])
    if script.name == "torpor" and os.access(script, os.X_OK):
        return [os.fspath(script.absolute())]
    return [sys.executable, "-P", "-m", "runtime.cli"]


def _directory() -> Path:
    from pathlib import Path

    base = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".config") / "systemd" / "user"


def _quoted(part: str) -> str:
    """Return an argument as systemd.service(5) reads it: % begins a specifier, $ a variable, and blanks end it."""
    escaped = part.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def licenses(args: argparse.Namespace) -> int:
    """Print the licences of what others made, and the single executable or the wheel contains."""
    from pathlib import Path

    unpacked: str | None = getattr(sys, "_MEIPASS", None)
    beside = Path(__file__).parents[1] / "agents" if unpacked is None else Path(unpacked)
    if not (beside / LICENSES).exists():
        output.say("neither an executable nor a wheel: every package that it uses was installed with its own licence")
        return exits.FAILED
    text = (beside / LICENSES).read_text("utf-8")
    if args.json:
        output.write_json({"licenses": text})
    else:
        sys.stdout.write(text)
    return exits.OK
