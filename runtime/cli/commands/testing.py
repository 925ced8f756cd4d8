"""`test` and `sdk`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    test = table.command(
        "test",
        "test:run",
        "test agents as YAML files say",
        starts=False,
        epilog="Agents run in this process, each test in a VM of its own; with --socket or --executable in a daemon. "
        "Exits with 0 when all tests passed, with 1 when one failed, with 2 when a file cannot be used, with 3 when no "
        "daemon answers.",
    )
    test.add_argument("files", metavar="FILE", nargs="+", help="a YAML file of tests")
    test.add_argument(
        "--format", choices=("pretty", "tap", "junit"), default="pretty", help="what is printed without --json"
    )
    test.add_argument("--junit", metavar="FILE", help="write JUnit's XML to a file as well")
    test.add_argument("--name", metavar="TEXT", help="only tests with this text in their names")
    test.add_argument("--executable", metavar="FILE", help="run agents in a daemon started from this executable")
    test.add_argument("--update", action="store_true", help="write golden transcripts instead of comparing them")
    kept = "where transcripts and states of failing tests are put (default: %(default)s); empty: nowhere"
    test.add_argument("--report", metavar="DIR", default="torpor-report", help=kept)

    sdk = table.command(
        "sdk",
        "sdk:run",
        "copy the guest SDK into a folder, to build agents with",
        epilog="JavaScript modules for guests on QuickJS (js) and SpiderMonkey (web, build.mjs), and the WASI interfaces with "
        "the worlds that agents choose from (wit). Files that are there are replaced.",
        starts=False,
    )
    sdk.add_argument("directory", metavar="DIR", help="where it goes; made if it is missing")
