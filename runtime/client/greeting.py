"""How a command greets the daemon: a connection over the Unix socket, and `hello`, which tells of what version it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runtime.api.defaults import PROTOCOL
from runtime.api.endpoint import EndpointError
from runtime.client.sync import Client, connect
from runtime.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

HELLO_SECONDS: Final = 30.0
"""For the answer to `hello`: a daemon that computes all the while answers in one. Where systemd holds the socket the daemon may
only be about to begin, so that it gets as long as one that a command starts (`runtime.cli.starting.START_SECONDS`)."""


def greet(path: Path) -> tuple[Client, dict[str, Any]]:
    """Connect, whatever the daemon's version is; return the connection and the answer to `hello`.

    Raises ConnectError, ConnectionLostError, RpcError, and EndpointError for a daemon that does not answer.
    """
    client = connect(path, autostart=False)
    try:
        return client, _hello(client, path)
    except BaseException:
        client.close()
        raise


def _hello(client: Client, path: Path) -> dict[str, Any]:
    hello = client.start("hello", client={"name": "torpor", "version": VERSION}, protocol=PROTOCOL)
    if not client.wait(hello, HELLO_SECONDS):
        raise EndpointError(f"the daemon at {path} hangs: it has not answered within {HELLO_SECONDS:g} s")
    welcome: dict[str, Any] = hello.result()
    return welcome
