"""`torpor acp`: its arguments, and the connection to the daemon."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runtime.cli import exits, output
from runtime.cli.acp.face import Face
from runtime.cli.acp.loop import Loop
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.mounts import parse_mounts
from runtime.cli.run import UsageError, environment

if TYPE_CHECKING:
    import argparse


def run(args: argparse.Namespace) -> int:
    """Be the agent until stdin ends; return how it went (`runtime.cli.exits`)."""
    try:
        env = environment(args.env)
    except UsageError as error:
        output.say(str(error))
        return exits.USAGE
    vm = None if args.vm is None else vm_name(args.vm)
    mounts = parse_mounts(args.mount)
    face = Face(
        args.agent,
        vm=vm,
        allow=args.allow,
        env=env,
        mounts=mounts,
        workspace=args.workspace,
        on_terminal=sys.stderr.isatty(),
    )
    with connect_to(args).detach() as daemon:
        daemon.setblocking(False)
        return Loop(face, daemon, sys.stdin.fileno(), sys.stdout.fileno()).run()
