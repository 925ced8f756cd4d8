"""Reaching the daemon that runs, if it is of this version; one that is about to end is waited for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from runtime.api.defaults import PROTOCOL
from runtime.api.endpoint import EndpointError
from runtime.cli import output
from runtime.client.errors import ConnectError, ConnectionLostError, RpcError
from runtime.client.greeting import greet
from runtime.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.client.sync import Client

POLL_SECONDS: Final = 0.02
"""Between two looks whether a daemon that shuts down has gone: it tells nobody."""

LEAVE_SECONDS: Final = 10.0
"""How long a daemon that shuts down is waited for: its turns are cancelled, and its last answers given."""

_REMEDY: Final = "`torpor restart` puts one of this version in its place"


def reach(path: Path) -> Client:
    """Connect to the daemon that serves `path`; one that is about to end is waited for, and counts as none.

    Says it on stderr when the daemon is of another version. Raises ConnectError, EndpointError.
    """

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
                check(welcome)
            except BaseException:
                client.close()
                raise
            return client


def check(welcome: dict[str, Any]) -> None:
    """Say if the daemon is of another version. Raises EndpointError for one that speaks another protocol."""
    version, protocol = welcome.get("version"), welcome.get("protocol")
    if protocol != PROTOCOL:
        raise EndpointError(
            f"the daemon (torpor {version}) speaks protocol {protocol}, this program (torpor {VERSION}) protocol {PROTOCOL}; "
            + _REMEDY
        )
    if version != VERSION:
        output.say(f"the daemon is torpor {version}, this program torpor {VERSION}: {_REMEDY}")
