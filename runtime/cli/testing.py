"""Writing agents: `test` runs tests of them, `sdk` gives what they are built with."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from runtime.cli import exits, output
from runtime.cli.progress import Line

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from runtime.cli.table import Table
    from runtime.testing.yaml_file import Case
    from runtime.testing.yaml_run import Outcome


CLIENTS: Final = {
    "python": ("torpor_client-*.whl", "pip install {}"),
    "typescript": ("torpor-client-*.tgz", "npm install {}"),
}
"""By language: the package's file, and what installs it."""


def register(table: Table) -> None:
    """Enter the commands."""
    command = table.command(
        "test",
        test,
        "test agents as YAML files say",
        starts=False,
        epilog="Agents run in this process, each test in a VM of its own; with --socket or --executable in a daemon. "
        "Exits with 0 when all tests passed, with 1 when one failed, with 2 when a file cannot be used, with 3 when no "
        "daemon answers.",
    )
    command.add_argument("files", metavar="FILE", nargs="+", help="a YAML file of tests")
    command.add_argument(
        "--format", choices=("pretty", "tap", "junit"), default="pretty", help="what is printed without --json"
    )
    command.add_argument("--junit", metavar="FILE", help="write JUnit's XML to a file as well")
    command.add_argument("--name", metavar="TEXT", help="only tests with this text in their names")
    command.add_argument("--executable", metavar="FILE", help="run agents in a daemon started from this executable")
    command.add_argument("--update", action="store_true", help="write golden transcripts instead of comparing them")
    kept = "where transcripts and states of failing tests are put (default: %(default)s); empty: nowhere"
    command.add_argument("--report", metavar="DIR", default="torpor-report", help=kept)

    command = table.command(
        "sdk",
        sdk,
        "copy the guest SDK, or the package of a client, into a folder",
        epilog="JavaScript modules for guests on QuickJS (js) and SpiderMonkey (web, build.mjs), what agents without a build "
        "import (python, javascript), and the WASI interfaces with the worlds that agents choose from (wit). Files that are "
        "there are replaced. `torpor sdk client --lang python` copies the package of the Python client, for pip, and "
        "`--lang typescript` that of the TypeScript client, for npm.",
        starts=False,
    )
    command.add_argument("words", metavar="DIR", nargs="+", help="where it goes; made if it is missing")
    command.add_argument("--lang", choices=tuple(CLIENTS), help="after the word `client`: of which client")


def test(args: argparse.Namespace) -> int:
    """Run the tests; return the exit code."""
    from pathlib import Path

    from runtime.testing.yaml_file import TestFileError, read

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
    from pathlib import Path

    from runtime.testing import yaml_output
    from runtime.testing.harness import Harness
    from runtime.testing.yaml_run import run_case

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


def sdk(args: argparse.Namespace) -> int:
    """Copy what agents are built with, or a client's package, over what is there."""
    if args.lang is not None:
        return _client(args)
    if len(args.words) > 1:
        output.say("one folder is expected; `torpor sdk client DIR --lang LANG` copies a client")
        return exits.USAGE
    import shutil
    from pathlib import Path

    from runtime.vms.catalogue import built_in_directory

    parts = {"sdk": ".", "wit": "wit"}  # folders beside the built-in agents, and where they go
    source, target = built_in_directory(), Path(args.words[0])
    built = shutil.ignore_patterns("__pycache__", "node_modules", "dist")  # by tools, in a checkout
    try:
        for name, place in parts.items():
            shutil.copytree(
                source / name, target / place, ignore=built, copy_function=shutil.copyfile, dirs_exist_ok=True
            )
    except shutil.Error as error:
        output.say(f"{target}: {error.args[0][0][2]}")
        return exits.FAILED
    except OSError as error:
        output.say(f"{error.filename2 or error.filename}: {error.strerror}")
        return exits.FAILED
    files = sorted(str(path) for path in target.rglob("*") if path.is_file())
    if args.json:
        output.write_json({"directory": str(target), "files": files})
    else:
        output.write_text(f"{target}: {len(files)} files\n")
    return exits.OK


def _client(args: argparse.Namespace) -> int:
    """Copy the package of a client."""
    import shutil
    from pathlib import Path

    from runtime.vms.catalogue import built_in_directory

    word, *directory = args.words
    if word != "client" or len(directory) > 1:
        output.say("`torpor sdk client [DIR] --lang LANG` is expected")
        return exits.USAGE
    pattern, install = CLIENTS[args.lang]
    agents = built_in_directory()
    places = (agents / "clients", agents.parent / "dist" / "clients")  # of an installation, of a checkout
    found = next((path for place in places for path in place.glob(pattern)), None)
    if found is None:
        output.say("this installation has no packages of clients; in a checkout `make clients` builds them")
        return exits.FAILED
    target = Path(*directory) / found.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, target)
    except OSError as error:
        output.say(f"{error.filename2 or error.filename}: {error.strerror}")
        return exits.FAILED
    command = install.format(target if target.is_absolute() else f"./{target}")
    if args.json:
        output.write_json({"file": str(target), "install": command})
    else:
        output.write_text(f"{target}\n")
        output.say(f"`{command}` installs it")
    return exits.OK
