"""Daemons elsewhere: which one a command works with, and the connection to it.

An address is `unix:///PATH`, `ssh://[USER@]HOST[:PORT][/SOCKET]`, `http://HOST:PORT` or `https://HOST[:PORT]`, or the name of
a context that stands for one (`runtime.cli.contexts`). By ssh it is the user's own `ssh`, which runs `torpor relay` there. The
client speaks over a socket in either case: to what is at its other end, ssh itself or a thread that has the WebSocket.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runtime.api.defaults import PROTOCOL
from runtime.api.endpoint import EndpointError, HttpEndpoint, UnixEndpoint, endpoint, socket_path
from runtime.cli.reaching import check
from runtime.client.errors import ConnectError, ConnectionLostError
from runtime.client.sync import Client
from runtime.version import VERSION

if TYPE_CHECKING:
    import argparse
    import socket
    from pathlib import Path

HELLO_SECONDS: Final = 120.0
"""For the first answer: a person may have to type a passphrase before."""

_SSH: Final = re.compile(
    r"ssh://((?:[A-Za-z0-9_.][A-Za-z0-9_.-]*@)?(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]))(?::(\d{1,5}))?(/.*)?"
)
"""A host or a user that began with - would be an option of ssh."""

_NO_BRACKETS: Final = {ord("["): None, ord("]"): None}
"""ssh has an IPv6 address without them, also behind a user."""


class SshEndpoint(NamedTuple):
    """A daemon on a machine that ssh reaches."""

    host: str
    """With the user, if one is given."""
    port: str | None
    socket: str | None
    """Its socket there, unless that is the default one."""

    def __str__(self) -> str:
        return f"ssh://{self.host}{f':{self.port}' if self.port else ''}{self.socket or ''}"


Place = UnixEndpoint | HttpEndpoint | SshEndpoint


def place_of(args: argparse.Namespace) -> Place:
    """Return the daemon that is meant: by `--socket`, `--host`, TORPOR_HOST, TORPOR_SOCKET, the context in use, or by none of
    these. Raises EndpointError for an address that is none.
    """
    from runtime.cli import contexts

    given: str | None = getattr(args, "host", None)
    if args.socket is not None:
        if given is not None:
            raise EndpointError("--socket and --host name two daemons: give one of them")
        return UnixEndpoint(socket_path(args.socket))
    given = given or os.environ.get("TORPOR_HOST")
    if given:
        return parse(given) if "://" in given else of_context(given)
    current = None if os.environ.get("TORPOR_SOCKET") else contexts.read().current
    return UnixEndpoint(socket_path()) if current is None else of_context(current)


def of_context(name: str) -> Place:
    """Return what a context stands for. Raises EndpointError."""
    from runtime.cli import contexts
    from runtime.cli.parsers import similar

    known = contexts.read().contexts
    if name not in known:
        meant = similar(name, list(known))
        advice = f"did you mean {meant}?" if meant else "`torpor context ls` lists them"
        raise EndpointError(f"{name} is neither an address (SCHEME://HOST) nor a context; {advice}")
    file = known[name].token_file
    return parse(known[name].address, None if file is None else _token(file))


def parse(address: str, token: str | None = None) -> Place:
    """Return what an address names; `token`, else `$TORPOR_TOKEN`, is for HTTP. Raises EndpointError."""
    scheme = address.partition("://")[0]
    if scheme == "ssh":
        found = _SSH.fullmatch(address)
        if found is None:
            raise EndpointError(f"not an address: {address}; ssh://[USER@]HOST[:PORT][/SOCKET] is expected")
        return SshEndpoint(*found.groups())
    if scheme == "unix":
        path = address.removeprefix("unix://")
        if not path.startswith("/"):
            raise EndpointError(f"not an address: {address}; unix:///PATH is expected")
        return UnixEndpoint(socket_path(path))
    if scheme not in ("http", "https"):
        raise EndpointError(f"not an address: {address}; ssh://HOST, https://HOST:PORT or unix:///PATH is expected")
    return endpoint(address, token)


def _token(file: str) -> str:
    """Return the token that a file holds. Raises EndpointError."""
    from pathlib import Path

    try:
        return Path(file).read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise EndpointError(f"the token cannot be read from {file}: {error}") from error


def reach(place: HttpEndpoint | SshEndpoint) -> Client:
    """Connect to a daemon elsewhere; one by ssh is started there if none runs. Raises ConnectError, EndpointError."""
    client = Client(_by_ssh(place) if isinstance(place, SshEndpoint) else _by_http(place))
    try:
        check(_hello(client, place))
    except ConnectionLostError as error:
        client.close()
        why = "ssh has ended; what it said is above" if isinstance(place, SshEndpoint) else str(error)
        raise ConnectError(place, why) from error
    except BaseException:
        client.close()
        raise
    return client


def _hello(client: Client, place: Place) -> dict[str, Any]:
    hello = client.start("hello", client={"name": "torpor", "version": VERSION}, protocol=PROTOCOL)
    if not client.wait(hello, HELLO_SECONDS):
        raise ConnectError(place, f"it has not answered within {HELLO_SECONDS:g} s")
    welcome: dict[str, Any] = hello.result()
    return welcome


def _by_ssh(place: SshEndpoint) -> socket.socket:
    """Return a socket whose other end is ssh's stdin and stdout."""
    import shlex
    import signal
    import socket
    import subprocess

    remote = ["torpor", "relay", *(["--socket", place.socket] if place.socket else [])]
    port = ["-p", place.port] if place.port else []
    command = ["ssh", "-T", *port, "--", place.host.translate(_NO_BRACKETS), shlex.join(remote)]
    ours, theirs = socket.socketpair()
    # A Ctrl-C is for us: we cancel what runs, which takes the connection. ssh leaves ignored signals ignored.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        # It ends when our end is closed.
        subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno())  # noqa: S603 - the host is checked
    except OSError as error:
        ours.close()
        raise ConnectError(place, f"ssh cannot be run: {error.strerror}") from error
    finally:
        signal.signal(signal.SIGINT, before)
        theirs.close()
    return ours


def _by_http(place: HttpEndpoint) -> socket.socket:
    """Return a socket whose other end is a thread with the WebSocket. Raises ConnectError, EndpointError."""
    from runtime.cli.bridge import open_bridge

    return open_bridge(place)


def local_path(args: argparse.Namespace) -> Path:
    """Return the socket of the daemon that is meant, which is on this machine. Raises EndpointError for one elsewhere."""
    place = place_of(args)
    if not isinstance(place, UnixEndpoint):
        raise EndpointError(f"this command works on a daemon of this machine, and not on {place}: run it there")
    return place.path
