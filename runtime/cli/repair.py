"""When something is wrong: `doctor` looks for trouble, `salvage` reads what is left of a damaged state file."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from runtime.cli import exits, output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from runtime.cli.table import Table
    from runtime.doctor.finding import Finding
    from runtime.salvage.recover import Outcome


def register(table: Table) -> None:
    """Enter the commands."""
    command = table.command(
        "doctor",
        doctor,
        "look for trouble: socket, permissions, state file, cache, engine, disk, limits",
        epilog="Changes nothing. Each line says ok, warn or fail, and what to do. Exits with 1 when one says fail.",
        starts=False,
    )
    command.add_argument("--state", metavar="FILE", help="the state file (default: that of the daemon that answers)")
    command.add_argument(
        "--full", action="store_true", help="read all of the state file, indexes included: may take minutes"
    )
    command = table.command(
        "salvage",
        salvage,
        "write what can still be read of a damaged state file into a folder: an export for each VM",
        epilog="The file is only read, with its log (FILE-wal). What is lost is told line by line; `torpor import` takes the "
        "exports. Exits with 1 when something is lost.",
        starts=False,
    )
    command.add_argument("file", metavar="FILE", help="the state file, which no daemon has open")
    command.add_argument("--output", metavar="FOLDER", required=True, help="where to; it is made if need be")


def doctor(args: argparse.Namespace) -> int:
    """Print what is found; return the exit code."""
    failed = False
    for finding in _findings(args):
        failed |= finding.verdict == "fail"
        if args.json:
            found = {"check": finding.check, "verdict": finding.verdict, "message": finding.message}
            output.write_json({**found, "remedy": finding.remedy})
        else:
            remedy = "" if finding.remedy is None else f"\n{'':<23}-> {finding.remedy}"
            sys.stdout.write(f"{finding.verdict:<6}{finding.check:<17}{output.printable(finding.message + remedy)}\n")
            sys.stdout.flush()
    return exits.FAILED if failed else exits.OK


def _findings(args: argparse.Namespace) -> Iterator[Finding]:
    from pathlib import Path

    from runtime.daemon.places import last_words_path, state_path
    from runtime.doctor import agents, daemon, machine, state
    from runtime.doctor.finding import warn
    from runtime.engine import default_cache_directory
    from runtime.vms.catalogue import Catalogue, built_in_directory, user_directories

    yield machine.check_versions()
    status: dict[str, Any] = {}
    yield from daemon.check_socket(args.socket, status)
    path = state_path(args.state) if args.state or "state" not in status else Path(status["state"])
    yield from state.check_state(path, full=args.full)
    yield machine.check_disk("disk of state", path.parent)
    cache = default_cache_directory()
    yield from machine.check_cache(cache)
    yield machine.check_disk("disk of cache", cache)
    yield machine.check_engine()
    yield machine.check_limits()
    yield machine.check_authorities()
    yield agents.check_agents(Catalogue(built_in_directory(), user_directories()), path)
    last_words = last_words_path(path)
    if last_words.is_file() and last_words.stat().st_size:
        yield warn("last words", f"a daemon has left a message in {last_words}", "read it; the next daemon empties it")


def salvage(args: argparse.Namespace) -> int:
    """Write the exports, tell what is lost, and return the exit code."""
    from pathlib import Path

    import trio

    from runtime.api.errors import ApiError
    from runtime.salvage import recover
    from runtime.store.lock import state_lock

    state, folder = Path(args.file).absolute(), Path(args.output).absolute()
    try:
        with contextlib.ExitStack() as stack:
            if state.with_name(f"{state.name}.lock").exists():  # a daemon has had it, and may have it now
                stack.enter_context(state_lock(state.resolve()))
            outcome = trio.run(partial(recover.salvage, state, folder))
    except ApiError as error:
        output.say(error.message)
        return exits.FAILED
    if args.json:
        sys.stdout.write(recover.as_json(outcome) + "\n")
    else:
        _tell(outcome)
    whole = not (outcome.problems or outcome.unread or outcome.lost_pages or any(each.lost for each in outcome.exports))
    return exits.OK if whole and outcome.exports else exits.FAILED


def _tell(outcome: Outcome) -> None:
    for export in outcome.exports:
        sys.stdout.write(f"{output.printable(f'{export.vm}: {export.path}')}\n")
        for text in export.lost:
            sys.stdout.write(f"  lost: {output.printable(text)}\n")
        if export.more:
            sys.stdout.write(f"  lost: {export.more} things more\n")
    for name, count in sorted(outcome.unread.items()):
        sys.stdout.write(f"{count} rows of the table {name} could not be read\n")
    if outcome.lost_pages:
        sys.stdout.write(f"{outcome.lost_pages} pages of the file are damaged\n")
    for text in outcome.problems:
        sys.stdout.write(f"{output.printable(text)}\n")
    if not outcome.exports:
        sys.stdout.write("nothing could be read\n")
