"""`inspect`: a page about the daemon, in a browser."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to

if TYPE_CHECKING:
    import argparse

    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the command."""
    command = table.command(
        "inspect",
        inspect,
        "show VMs, sessions and files in a browser",
        epilog="Serves a page on 127.0.0.1 until Ctrl-C. Each address that it prints lets one browser in; then comes the next. "
        "Only programs of your own can connect.",
    )
    command.add_argument("--port", metavar="N", type=int, default=0, help="the port (default: any that is free)")
    command.add_argument("--no-browser", action="store_true", help="open no browser, print the address alone")


def inspect(args: argparse.Namespace) -> int:
    """Serve the page until SIGINT or SIGTERM."""
    import signal

    import trio

    from runtime.api.endpoint import EndpointError, UnixEndpoint
    from runtime.cli import elsewhere
    from runtime.inspector.door import Door
    from runtime.inspector.files import NotBuiltError, load
    from runtime.inspector.server import Inspector
    from runtime.rpc.gate import Gate

    try:
        files = load()
    except NotBuiltError as error:
        output.say(str(error))
        return exits.FAILED
    place = elsewhere.place_of(args)
    if getattr(args, "opened", None) or not isinstance(place, UnixEndpoint):
        output.say("the page is of a daemon on this machine: run `torpor inspect` where it runs, and forward the port")
        return exits.USAGE
    connect_to(args).close()
    browse = not args.no_browser and _has_screen()

    def announce(url: str) -> None:
        nonlocal browse
        if args.json:
            output.write_json({"url": url})
        else:
            print(url, flush=True)  # noqa: T201 - to copy, or for a program to read
        if browse:
            browse = False
            _open(url)

    async def serve() -> None:
        try:
            listeners = await trio.open_tcp_listeners(args.port, host="127.0.0.1")
        except (OSError, OverflowError) as error:
            raise EndpointError(f"cannot listen on port {args.port}: {error}") from error
        url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            # The gate's token is for the daemon's own port; here the door decides.
            inspector = Inspector(place.path, files, Gate(""), Door(url, announce))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(inspector.serve, listeners)
                async for _ in signals:
                    nursery.cancel_scope.cancel()

    trio.run(serve)
    return exits.OK


def _has_screen() -> bool:
    """Say whether a browser has where to open. One in the terminal would take it from this command."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _open(url: str) -> None:
    """Open a browser beside this program; who has none has read the address."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
