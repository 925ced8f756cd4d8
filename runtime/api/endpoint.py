"""Where the daemon is: the one rule that the server and all clients share (api.md, "Transport").

Standard library only. An endpoint is a Unix socket's path (also as `unix:///path`), or `http://HOST:PORT` or `https://HOST`,
which need the token. The default path: `$TORPOR_SOCKET`, else `$XDG_RUNTIME_DIR/torpor/torpor.sock`, else
`torpor-<uid>/torpor.sock` under the temp dir. Anybody may create things in the temp dir, so that the directory there is
trusted only after a look at its owner, its mode and what it is: a client that did not look would hand its API keys to whoever
was first to bind.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from runtime.api.limits import MAX_RESPONSE

SOCKET_NAME: Final = "torpor.sock"

MAX_PATH: Final = 107
"""Bytes: sockaddr_un.sun_path has 108, of which one is the NUL (unix(7))."""


MAX_MESSAGE: Final = MAX_RESPONSE + 1024 * 1024
"""Bytes of one message that a client takes: the daemon's longest answer (`limits.maxResponseBytes`), and a little more."""

HTTP_PATH: Final = "/rpc"

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
"""Of the schemes, as in any URL."""


class EndpointError(OSError):
    """The socket's place cannot be used; the message says why."""


class UnixEndpoint(NamedTuple):
    """A daemon's Unix socket."""

    path: Path

    def __str__(self) -> str:
        return os.fspath(self.path)


class HttpEndpoint(NamedTuple):
    """A daemon that was started with `serve --http`."""

    host: str
    port: int
    token: str | None
    """None where it is looked for with each connection: of a daemon on this machine (`runtime.api.local_token`)."""
    secure: bool = False
    """With TLS, which a proxy in front of the daemon has."""

    def __str__(self) -> str:
        scheme = "https" if self.secure else "http"
        return f"{scheme}://[{self.host}]:{self.port}" if ":" in self.host else f"{scheme}://{self.host}:{self.port}"


def endpoint(given: str | os.PathLike[str] | None = None, token: str | None = None) -> UnixEndpoint | HttpEndpoint:
    """Return where `given` points, by default the default socket; `token`, else `$TORPOR_TOKEN`, is for HTTP.

    Raises EndpointError for what is no endpoint, and for HTTP to another machine without a token.
    """
    text = "" if given is None else os.fspath(given)
    scheme, separator, _ = text.partition("://")
    if not separator or scheme == "unix":
        return UnixEndpoint(socket_path(given))
    if scheme not in DEFAULT_PORTS:
        raise EndpointError(f"not an endpoint: {text}; a path, unix:///PATH or http://HOST:PORT is expected")
    secure = scheme == "https"
    from urllib.parse import urlsplit  # noqa: PLC0415 - slow, and most endpoints are paths

    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port or DEFAULT_PORTS[scheme]
    except ValueError as error:
        raise EndpointError(f"not an endpoint: {text}: {error}") from error
    if not host or url.username is not None or url.query or url.fragment or url.path not in ("", "/", HTTP_PATH):
        raise EndpointError(f"not an endpoint: {text}; http://HOST:PORT is expected")
    token = token or os.environ.get("TORPOR_TOKEN") or None
    if token is None and (secure or not _is_loopback(host)):
        raise EndpointError(f"{text} needs a token, which lies in `http-token` beside the daemon's state file")
    return HttpEndpoint(host, port, token, secure)


def _is_loopback(host: str) -> bool:
    """Say whether this name or address leads to this machine, whoever asks."""
    import ipaddress  # noqa: PLC0415 - slow, and most endpoints are paths

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def socket_path(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the absolute path of the socket: `given` (also as `unix:///path`), else the default.

    Raises EndpointError for another address, and when the path is too long for a Unix socket.
    """
    path = _default_path() if given is None else Path(_without_scheme(os.fspath(given)))
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links, which are the caller's business
    if len(os.fsencode(path)) > MAX_PATH:
        raise EndpointError(f"the socket path is longer than {MAX_PATH} bytes: {path}")
    return path


def _without_scheme(text: str) -> str:
    """Return the path in `text`. Raises EndpointError for another scheme than `unix`: that would name a folder."""
    path = text.removeprefix("unix://")
    if "://" in path:
        raise EndpointError(f"not the path of a socket: {text}; a daemon elsewhere is meant with --host or TORPOR_HOST")
    return path


def _default_path() -> Path:
    named = os.environ.get("TORPOR_SOCKET")
    if named:
        return Path(_without_scheme(named))
    return default_directory() / SOCKET_NAME


def default_directory() -> Path:
    """Return the directory of the socket where neither a flag nor `$TORPOR_SOCKET` names one; it may not exist."""
    runtime_dir = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if runtime_dir.is_absolute():  # a relative one is to be ignored, says the XDG base directory specification
        return runtime_dir / "torpor"
    import tempfile  # noqa: PLC0415 - the last resort, and a slow import for a command

    return Path(tempfile.gettempdir()) / f"torpor-{os.getuid()}"


def prepare_directory(path: Path) -> None:
    """Make the directory for the socket `path`, 0700, unless it exists; in the default place it must be private.

    Raises EndpointError.
    """
    directory = path.parent
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EndpointError(f"cannot create {directory}: {error.strerror}") from error
    check_directory(path)


def check_directory(path: Path) -> None:
    """Raise EndpointError if the socket is in the default place and its directory, where it exists, is not private.

    A directory that the user named is the user's own choice: the socket in it is 0600 all the same.
    """
    directory = path.parent
    if directory != default_directory():
        return
    try:
        found = os.lstat(directory)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        raise EndpointError(f"{directory} is not a directory")
    if found.st_uid != os.getuid():
        raise EndpointError(f"{directory} belongs to another user (uid {found.st_uid})")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise EndpointError(
            f"{directory} is open to other users: chmod 700 it, or name another place by $TORPOR_SOCKET"
        )
