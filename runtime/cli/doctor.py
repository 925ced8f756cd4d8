"""`torpor doctor`: looks for trouble, and says what to do about it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.cli import exits, output
from runtime.cli.serve import state_path

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from runtime.doctor.finding import Finding


def run(args: argparse.Namespace) -> int:
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
    from runtime.doctor import daemon, machine, state  # noqa: PLC0415 - the engine and the store, for this command alone
    from runtime.doctor.finding import warn  # noqa: PLC0415
    from runtime.engine import default_cache_directory  # noqa: PLC0415

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
    last_words = path.with_name(path.name + ".stderr")
    if last_words.is_file() and last_words.stat().st_size:
        yield warn("last words", f"a daemon has left a message in {last_words}", "read it; the next daemon empties it")
