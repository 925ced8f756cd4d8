"""`torpor test`: tests of agents from YAML files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.cli import exits, output
from runtime.cli.progress import Line

if TYPE_CHECKING:
    import argparse

    from runtime.testing.yaml_file import Case
    from runtime.testing.yaml_run import Outcome


def run(args: argparse.Namespace) -> int:
    """Run the tests; return the exit code."""
    from runtime.testing.yaml_file import TestFileError, read  # noqa: PLC0415 - msgspec and more, for this command alone

    try:
        cases = [(path, case) for path in map(Path, args.files) for case in read(path)]
    except TestFileError as error:
        output.say(str(error))
        return exits.USAGE
    except OSError as error:
        output.say(f"{error.filename}: {error.strerror}")
        return exits.USAGE
    chosen = [(path, case) for path, case in cases if not args.name or args.name in case.name]
    if not chosen:
        output.say("there are no such tests")
        return exits.USAGE
    if args.socket is not None and args.executable is not None:
        output.say("a socket or an executable, not both")
        return exits.USAGE
    outcomes = _run_all(args, chosen)
    return exits.FAILED if any(outcome.failure is not None for outcome in outcomes) else exits.OK


def _run_all(args: argparse.Namespace, chosen: list[tuple[Path, Case]]) -> list[Outcome]:
    from runtime.testing import yaml_output  # noqa: PLC0415 - as above
    from runtime.testing.harness import Harness  # noqa: PLC0415
    from runtime.testing.yaml_run import run_case  # noqa: PLC0415

    form = "json" if args.json else args.format
    if form == "tap":
        sys.stdout.write(f"TAP version 14\n1..{len(chosen)}\n")
    harness = Harness(args.socket, args.executable)
    outcomes: list[Outcome] = []
    try:
        for number, (path, case) in enumerate(chosen, 1):
            report = Path(args.report) if args.report else None
            with Line(f"{case.name} ({number} of {len(chosen)})", patience=0) as line:
                line.show()
                outcome = run_case(harness, path, case, report=report, update=args.update)
            outcomes.append(outcome)
            if form == "json":
                output.write_json(yaml_output.as_json(outcome))
            elif form == "pretty":
                sys.stdout.write(yaml_output.pretty(outcome))
                if outcome.failure is not None and os.environ.get("GITHUB_ACTIONS"):
                    sys.stdout.write(yaml_output.github(outcome))
            elif form == "tap":
                sys.stdout.write(yaml_output.tap(number, outcome))
            sys.stdout.flush()
    finally:
        harness.close()
    if form == "pretty":
        sys.stdout.write(yaml_output.summary(outcomes))
    elif form == "junit":
        sys.stdout.write(yaml_output.junit(outcomes))
    if args.junit is not None:
        Path(args.junit).write_text(yaml_output.junit(outcomes), "utf-8")
    return outcomes
