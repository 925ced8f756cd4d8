"""How commands reach the daemon: connect, start one if none answers, and see that both are of one version."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from runtime.api.defaults import PROTOCOL
from runtime.api.endpoint import EndpointError, socket_path
from runtime.cli import output
from runtime.client.sync import Client, ConnectError, ConnectionLostError, RpcError, connect
from runtime.version import VERSION

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


HELLO_SECONDS: Final = 10.0  # for the answer to `hello`: a daemon that computes all the while answers in one
POLL_SECONDS: Final = 0.02
LEAVE_SECONDS: Final = 10.0
"""How long a daemon that shuts down is waited for: its turns are cancelled, and its last answers given."""


def connect_to(args: argparse.Namespace) -> Client:
    """Connect to the daemon that `--socket` names, and start one, detached, if none answers, unless `--no-start` is given.

    Raises ConnectError, EndpointError.
    """
    path = socket_path(args.socket)
    try:
        client = reach(path)
    except ConnectError:
        if args.no_start:
            raise
        from runtime.cli.starting import start  # noqa: PLC0415 - not needed once a daemon runs

        client = start(path, getattr(args, "state", None))
    return client


def reach(path: Path) -> Client:
    """Connect to the daemon that serves `path`; one that is about to end is waited for, and counts as none.

    Says it on stderr when the daemon is of another version. Raises ConnectError, EndpointError.
    """
    deadline = time.monotonic() + LEAVE_SECONDS
    while True:
        client = connect(path)
        try:
            _check(_greet(client, path))
        except (ConnectionLostError, RpcError) as error:
            client.close()
            if isinstance(error, RpcError) and error.name != "shutting_down":
                raise EndpointError(f"the daemon refuses this program: {error.message}; {_REMEDY}") from error
            if time.monotonic() > deadline:
                raise ConnectError(path, "it is shutting down") from error
            time.sleep(POLL_SECONDS)
        except BaseException:
            client.close()
            raise
        else:
            return client


def greet(path: Path) -> tuple[Client, dict[str, Any]]:
    """Connect whatever the daemon's version is; also its answer to `hello`. Raises ConnectError, EndpointError, RpcError."""
    client = connect(path)
    try:
        return client, _greet(client, path)
    except BaseException:
        client.close()
        raise


def vm_name(text: str) -> str | list[str]:
    """Return the name that `--vm` stands for: parts joined with / are a name in parts."""
    return text.split("/") if "/" in text else text


_REMEDY: Final = "`torpor restart` puts one of this version in its place"


def _greet(client: Client, path: Path) -> dict[str, Any]:
    hello = client.start("hello", client={"name": "torpor", "version": VERSION}, protocol=PROTOCOL)
    if not client.wait(hello, HELLO_SECONDS):
        raise EndpointError(f"the daemon at {path} hangs: it has not answered within {HELLO_SECONDS:g} s")
    welcome: dict[str, Any] = hello.result()
    return welcome


def _check(welcome: dict[str, Any]) -> None:
    version, protocol = welcome.get("version"), welcome.get("protocol")
    if protocol != PROTOCOL:
        raise EndpointError(
            f"the daemon (torpor {version}) speaks protocol {protocol}, this program (torpor {VERSION}) protocol {PROTOCOL}; "
            + _REMEDY
        )
    if version != VERSION:
        output.say(f"the daemon is torpor {version}, this program torpor {VERSION}: {_REMEDY}")
