"""How commands reach the daemon: connect, start one if none answers, and see that both are of one version.

Every group of commands imports this module, so that it imports the client only when somebody connects.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from runtime.cli import output
from runtime.version import VERSION

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from runtime.client.sync import Client

POLL_SECONDS: Final = 0.02
LEAVE_SECONDS: Final = 10.0
"""How long a daemon that shuts down is waited for: its turns are cancelled, and its last answers given."""
_REMEDY: Final = "`torpor restart` puts one of this version in its place"


def connect_to(args: argparse.Namespace) -> Client:
    """Connect to the daemon that `--socket` names, and start one, detached, if none answers, unless `--no-start` is given.

    Raises ConnectError, EndpointError.
    """
    from runtime.api.endpoint import socket_path
    from runtime.client.errors import ConnectError

    path = socket_path(args.socket)
    try:
        client = reach(path)
    except ConnectError:
        if args.no_start:
            raise
        from runtime.cli.starting import start

        client = start(path, getattr(args, "state", None))
    return client


def reach(path: Path) -> Client:
    """Connect to the daemon that serves `path`; one that is about to end is waited for, and counts as none.

    Says it on stderr when the daemon is of another version. Raises ConnectError, EndpointError.
    """
    from runtime.api.endpoint import EndpointError
    from runtime.client.errors import ConnectError, ConnectionLostError, RpcError
    from runtime.client.greeting import greet

    deadline = time.monotonic() + LEAVE_SECONDS
    while True:
        try:
            client, welcome = greet(path)
        except (ConnectionLostError, RpcError) as error:
            if isinstance(error, RpcError) and error.name != "shutting_down":
                raise EndpointError(f"the daemon refuses this program: {error.message}; {_REMEDY}") from error
            if time.monotonic() > deadline:
                raise ConnectError(path, "it is shutting down") from error
            time.sleep(POLL_SECONDS)
        else:
            try:
                _check(welcome)
            except BaseException:
                client.close()
                raise
            return client


def vm_name(text: str) -> str | list[str]:
    """Return the name that `--vm` stands for: parts joined with / are a name in parts."""
    return text.split("/") if "/" in text else text


def _check(welcome: dict[str, Any]) -> None:
    """Say if the daemon is of another version. Raises EndpointError for one that speaks another protocol."""
    from runtime.api.defaults import PROTOCOL
    from runtime.api.endpoint import EndpointError

    version, protocol = welcome.get("version"), welcome.get("protocol")
    if protocol != PROTOCOL:
        raise EndpointError(
            f"the daemon (torpor {version}) speaks protocol {protocol}, this program (torpor {VERSION}) protocol {PROTOCOL}; "
            + _REMEDY
        )
    if version != VERSION:
        output.say(f"the daemon is torpor {version}, this program torpor {VERSION}: {_REMEDY}")
