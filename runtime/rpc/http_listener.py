"""Where `torpor serve --http` listens, and the token that its clients show."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import re
import secrets
import socket
import stat
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import attrs
import trio

from runtime.api.endpoint import EndpointError, prepare_directory
from runtime.api.local_token import MAX_TOKEN, token_path
from runtime.newfile import NewFile
from runtime.rpc.gate import PATH, Gate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

TOKEN_NAME: Final = "http-token"  # noqa: S105 - a file's name
TOKEN_BYTES: Final = 32
MIN_TOKEN: Final = 16
"""Characters: what is shorter than a hand-made password of this length can be guessed over the wire."""

MAX_PORT: Final = 65535

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~-]+")
"""What both a bearer token (RFC 6750) and a subprotocol may be made of."""

_ADDRESS: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:]+)):(?P<port>[0-9]{1,5})")
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+")


class AddressError(ValueError):
    """The command line asks for something that cannot be meant; the message says what would be right."""


@attrs.frozen
class HttpOptions:
    """The HTTP options of the command line, checked."""

    host: str
    port: int
    """0: any free one."""
    gate: Gate


def http_options(
    address: str,
    token_file: Path | None,
    default_token: Path,
    *,
    public: bool,
    origins: Iterable[str],
    path: str = PATH,
) -> HttpOptions:
    """Check the address `HOST:PORT` and the origins, and read the token: the default one is made if need be.

    Raises AddressError for an address or an origin that is none, and for one that others reach without `public`;
    EndpointError for a host that nobody knows, and for a token that cannot be had.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > MAX_PORT:
        raise AddressError(f"not an address: {address}; HOST:PORT is expected, such as 127.0.0.1:6420")
    host = match["v6"] or match["name"]
    if not public and not _is_loopback(host):
        raise AddressError(f"{host} can be reached from other machines; --http-public says that this is meant")
    allowed = frozenset(origin.lower().rstrip("/") for origin in origins)
    for origin in allowed:
        if not _ORIGIN.fullmatch(origin) or not urlsplit(origin).hostname:
            raise AddressError(f"not an origin: {origin}; SCHEME://HOST or SCHEME://HOST:PORT is expected")
    if token_file is None:
        token_file = default_token
        _make_token(token_file)
    return HttpOptions(host, int(match["port"]), Gate(_read_token(token_file), allowed, public, path))


def _is_loopback(host: str) -> bool:
    """Say whether every address of `host` is one of this machine alone."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise EndpointError(f"cannot find {host}: {error.strerror}") from error
    return all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)


def _make_token(path: Path) -> None:
    """Write a new token to `path` (0600), unless there is one; of two daemons that do so at once, one wins for both."""
    try:
        with NewFile(path) as file, contextlib.suppress(FileExistsError):
            os.write(file.descriptor, f"{secrets.token_urlsafe(TOKEN_BYTES)}\n".encode())
            file.publish()
    except OSError as error:
        raise EndpointError(f"cannot write the token to {path}: {error.strerror}") from error


def _read_token(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, encoding="utf-8") as file:  # noqa: PTH123 - of a descriptor
            found = os.fstat(descriptor)
            token = file.read(MAX_TOKEN + 2).removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise EndpointError(f"cannot read the token from {path}: {error}") from error
    if stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o077:
        raise EndpointError(f"{path} is open to other users: chmod 600 it")
    if not MIN_TOKEN <= len(token) <= MAX_TOKEN or not _TOKEN.fullmatch(token):
        raise EndpointError(f"{path}: a token is one line of {MIN_TOKEN} to {MAX_TOKEN} of A-Za-z0-9._~-")
    return token


async def open_http(options: HttpOptions) -> list[trio.SocketListener]:
    """Listen at the address. Raises EndpointError."""
    try:
        return await trio.open_tcp_listeners(options.port, host=options.host)
    except OSError as error:
        raise EndpointError(f"cannot listen on {options.host} port {options.port}: {error.strerror}") from error


@contextlib.contextmanager
def token_left(listeners: Iterable[trio.SocketListener], token: str) -> Iterator[None]:
    """Leave the token where clients of this user find it, for the listeners on loopback, and take it away at the end.

    Where that cannot be done the log says so: such clients have to be given the token.
    """
    addresses = [listener.socket.getsockname() for listener in listeners]
    ports = {port for host, port, *_ in addresses if ipaddress.ip_address(host.partition("%")[0]).is_loopback}
    with contextlib.ExitStack() as stack:
        for path in map(token_path, sorted(ports)):
            try:
                prepare_directory(path)
                with NewFile(path) as file:
                    os.write(file.descriptor, f"{token}\n".encode())
                    file.publish(replace=True)
                    stack.callback(_remove, path, _identity(os.fstat(file.descriptor)))
            except OSError as error:
                logger.warning("clients do not find the token by themselves: %s", error)
        yield


def _remove(path: Path, ours: tuple[int, int]) -> None:
    """Remove a file, unless another daemon has put its own in its place."""
    with contextlib.suppress(OSError):
        if _identity(path.lstat()) == ours:
            path.unlink()


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_ino, status.st_mtime_ns  # the number alone may be that of a file which is gone


def http_url(listener: trio.SocketListener) -> str:
    """Return the URL that clients give to `connect`."""
    host, port, *_ = listener.socket.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
