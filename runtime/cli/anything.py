"""`api`: any method of the API, for what has no command and for scripts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to
from runtime.cli.table import UsageError

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the command."""
    command = table.command(
        "api",
        api,
        "call a method of the API and print what it answers; without a method, print the API as an OpenRPC document",
    )
    command.add_argument("method", metavar="METHOD", nargs="?", default="rpc.discover", help="as vm.list")
    command.add_argument("params", metavar="JSON", nargs="?", default="{}", help="its params; - reads them from stdin")


def api(args: argparse.Namespace) -> int:
    """Call a method."""
    import json

    text = sys.stdin.read() if args.params == "-" else args.params
    try:
        params = json.loads(text)
    except ValueError as error:
        raise UsageError(f"the params are no JSON: {error}") from error
    if not isinstance(params, dict):
        raise UsageError("the params are a JSON object")
    with connect_to(args) as client:
        output.write_json(client.call(args.method, **params))
    return exits.OK
