"""Looking after an installation: `doctor`, `salvage`, `compile`, `completions`, `systemd` and `licenses`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    doctor = table.command(
        "doctor",
        "doctor:run",
        "look for trouble: socket, permissions, state file, cache, engine, disk, limits",
        epilog="Changes nothing. Each line says ok, warn or fail, and what to do. Exits with 1 when one says fail.",
        starts=False,
    )
    doctor.add_argument("--state", metavar="FILE", help="the state file (default: that of the daemon that answers)")
    doctor.add_argument(
        "--full", action="store_true", help="read all of the state file, indexes included: may take minutes"
    )
    salvage = table.command(
        "salvage",
        "salvage:run",
        "write what can still be read of a damaged state file into a folder: an export for each VM",
        epilog="The file is only read, with its log (FILE-wal). What is lost is told line by line; `torpor import` takes the "
        "exports. Exits with 1 when something is lost.",
        starts=False,
    )
    salvage.add_argument("file", metavar="FILE", help="the state file, which no daemon has open")
    salvage.add_argument("--output", metavar="FOLDER", required=True, help="where to; it is made if need be")
    ahead = table.command(
        "compile",
        "compiling:run",
        "compile agents ahead, so that no session has to wait for it",
        epilog="What is compiled already is left alone. The agents are looked for where a daemon with the environment of this "
        "command would look.",
        starts=False,
    )
    ahead.add_argument(
        "agents",
        metavar="AGENT",
        nargs="*",
        help="an agent, or the path of a component, with a slash (default: all agents)",
    )
    completions = table.command(
        "completions",
        "completions:run",
        "print the completions of a shell",
        epilog="bash: torpor completions bash > ~/.local/share/bash-completion/completions/torpor. "
        "zsh: torpor completions zsh > DIRECTORY_OF_FPATH/_torpor. "
        "fish: torpor completions fish > ~/.config/fish/completions/torpor.fish.",
        starts=False,
    )
    completions.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")
    systemd = table.command(
        "systemd", "systemd:run", "write systemd's user units that start the daemon when it is needed", starts=False
    )
    systemd.add_argument("--directory", metavar="DIR", help="where to (default: ~/.config/systemd/user)")
    licences = "print the licences of what the single executable contains"
    table.command("licenses", "licenses:run", licences, starts=False)
