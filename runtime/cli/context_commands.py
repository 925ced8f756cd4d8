"""`context`: which daemon commands work with, if it is not this machine's. `relay` is what ssh runs where that one is."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Final

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to
from runtime.cli.table import UsageError

if TYPE_CHECKING:
    import argparse
    import socket

    from runtime.cli.table import Table

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")

PIECE: Final = 256 * 1024
"""Bytes passed on at a time: what the daemon writes at a time."""


def register(table: Table) -> None:
    """Enter the commands."""
    group = table.group("context", "daemons on other machines: name them, and say which one is meant")
    command = group.command(
        "add",
        add,
        "name a daemon elsewhere",
        starts=False,
        epilog="By ssh it is reached with your own ssh and its settings; `torpor` has to be on the PATH there. Over https it "
        "is a daemon that was started with `serve --http`, behind a proxy with TLS; the token is that of TORPOR_TOKEN or of a "
        "file.",
    )
    command.add_argument("name", metavar="NAME", help="its name")
    command.add_argument("address", metavar="ADDRESS", help="ssh://HOST, https://HOST:PORT or unix:///PATH")
    command.add_argument("--token-file", metavar="FILE", help="where the token of an https address lies")
    group.command("ls", ls, "list the contexts; * is the one in use", starts=False)
    command = group.command(
        "use", use, "have commands work with a context; without a name, with this machine", starts=False
    )
    command.add_argument("name", metavar="NAME", nargs="?", help="the context (default: none)")
    command = group.command("rm", rm, "forget a context; the daemon stays", starts=False)
    command.add_argument("name", metavar="NAME", help="the context")
    table.command(
        "relay",
        relay,
        "be a connection to this machine's daemon: its API on stdin and stdout",
        epilog="This is what `torpor --host ssh://HOST` has ssh run on the other machine.",
    )


def add(args: argparse.Namespace) -> int:
    """Name a daemon."""
    from runtime.cli import contexts
    from runtime.cli.elsewhere import parse

    if not _NAME.fullmatch(args.name):
        raise UsageError(f"{args.name} is no name: letters, digits, . _ and - are expected, 64 at most")
    if "://" not in args.address:
        raise UsageError(f"{args.address} is no address: ssh://HOST, https://HOST:PORT or unix:///PATH is expected")
    token_file = None if args.token_file is None else os.path.abspath(args.token_file)  # noqa: PTH100 - no link is resolved
    parse(args.address, "a token is not needed yet")
    known = contexts.read()
    if args.name in known.contexts:
        raise UsageError(f"there is a context {args.name} already: {known.contexts[args.name].address}")
    contexts.write({**known.contexts, args.name: contexts.Context(args.address, token_file)}, known.current)
    if args.json:
        output.write_json({"name": args.name, "address": args.address})
    return exits.OK


def ls(args: argparse.Namespace) -> int:
    """List contexts."""
    from runtime.cli import contexts

    known = contexts.read()
    if args.json:
        for name, each in known.contexts.items():
            row = {"name": name, "address": each.address, "tokenFile": each.token_file}
            output.write_json({**row, "current": name == known.current})
        return exits.OK
    rows = [("*" if name == known.current else "", name, each.address) for name, each in known.contexts.items()]
    output.write_table(("", "NAME", "ADDRESS"), rows)
    return exits.OK


def use(args: argparse.Namespace) -> int:
    """Choose a context."""
    from runtime.cli import contexts
    from runtime.cli.elsewhere import of_context

    if args.name is not None:
        of_context(args.name)
    contexts.write(contexts.read().contexts, args.name)
    if args.json:
        output.write_json({"current": args.name})
    return exits.OK


def rm(args: argparse.Namespace) -> int:
    """Forget a context."""
    from runtime.cli import contexts

    known = contexts.read()
    if args.name not in known.contexts:
        raise UsageError(f"there is no context {args.name}; `torpor context ls` lists them")
    rest = {name: each for name, each in known.contexts.items() if name != args.name}
    contexts.write(rest, None if known.current == args.name else known.current)
    if args.json:
        output.write_json({"removed": args.name})
    return exits.OK


def relay(args: argparse.Namespace) -> int:
    """Pass on what comes on either side until one ends, be it in the middle: a subscription has no end of its own."""
    import threading

    connection = connect_to(args).detach()
    threading.Thread(target=_pass_on, args=(connection,), daemon=True).start()
    while data := connection.recv(PIECE):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    return exits.OK


def _pass_on(connection: socket.socket) -> None:
    import socket

    while data := os.read(sys.stdin.fileno(), PIECE):
        connection.sendall(data)
    connection.shutdown(socket.SHUT_RDWR)
