"""How commands reach the daemon that is theirs, and start one if none answers.

Every group of commands imports this module, so that it imports the client only when somebody connects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from runtime.client.sync import Client


def connect_to(args: argparse.Namespace) -> Client:
    """Connect to the daemon that is meant (`runtime.cli.elsewhere`), and start one, detached, if none answers on this machine,
    unless `--no-start` is given. The command of `torpor open` works with a file in the place of a daemon.

    Raises ConnectError, EndpointError.
    """
    if opened := getattr(args, "opened", None):
        from runtime.cli.opened import open_file

        return open_file(opened)

    from runtime.api.endpoint import UnixEndpoint
    from runtime.cli import elsewhere
    from runtime.cli.reaching import reach
    from runtime.client.errors import ConnectError

    place = elsewhere.place_of(args)
    if not isinstance(place, UnixEndpoint):
        return elsewhere.reach(place)
    try:
        client = reach(place.path)
    except ConnectError:
        if args.no_start:
            raise
        from runtime.cli.starting import start

        client = start(place.path, getattr(args, "state", None))
    return client


def vm_name(text: str) -> str | list[str]:
    """Return the name that `--vm` stands for: parts joined with / are a name in parts."""
    return text.split("/") if "/" in text else text
