"""Which hosts a guest may reach. Pure: names and addresses in, decisions out; nobody is asked and nothing is sent.

A decision is made twice. The destination (host and port as the guest wrote them) must match a grant before even a DNS
query leaves; then every address that the name resolves to must be public, or be named by a grant as that very address.
So a public name cannot lead into the daemon's own network, whatever its DNS says.

Grants are `host`, `host:port`, `*.example.com` (names below example.com, at any depth, but not example.com itself) and
`*` (every public host), each with or without a port. Addresses that are not public are open only where a grant is
the address (`127.0.0.1:8080`, `[::1]`), or is `localhost`, which opens the loopback addresses to that name.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = IPv4Address | IPv6Address

MAX_PORT: Final = 65535

MAX_NAME: Final = 253
"""RFC 1035, 2.3.4: 255 octets on the wire."""

LOCALHOST: Final = "localhost"

_CLOSED: Final = tuple(
    ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's metadata and control service
        "192.0.0.0/24",  # IETF protocol assignments, RFC 6890; Oracle's metadata service among them
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "::/96",  # IPv4-compatible, RFC 4291 2.5.5.1
        "64:ff9b:1::/48",  # NAT64 with a local prefix, RFC 8215: reaches what the translator reaches
        "2001::/23",  # IETF protocol assignments, RFC 2928; with Teredo, an IPv4 address in disguise
        "2002::/16",  # 6to4, RFC 3056: likewise
        "fec0::/10",  # site-local, RFC 3879
    )
)
"""Addresses that `ipaddress` counts as global, or did in some release, but that lead somewhere else."""

_NAT64: Final = ip_network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are the IPv4 address that is reached."""

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


@attrs.frozen
class Grant:
    """One entry of an allow list. `host` is a name, an address in canonical form, `*.suffix` or `*`."""

    host: str
    port: int | None

    def covers(self, host: str, port: int) -> bool:
        """Say whether a destination (host in canonical form) matches this entry."""
        if self.port not in {None, port}:
            return False
        if self.host == "*":
            address = parse_address(host)
            return host != LOCALHOST if address is None else is_public(address)
        if self.host.startswith("*."):
            return host.endswith(self.host[1:])
        return host == self.host


@attrs.frozen
class NetworkPolicy:
    """The grants of a guest. `NetworkPolicy()` denies everything."""

    grants: tuple[Grant, ...] = ()

    @classmethod
    def parse(cls, allow: Iterable[str]) -> NetworkPolicy:
        """Read an allow list; ValueError names the entry that is wrong."""
        return cls(tuple(parse_grant(entry) for entry in allow))

    def with_public(self, hosts: Iterable[str]) -> NetworkPolicy:
        """Return the policy widened by an agent's own hosts, which must be public ones (ValueError)."""
        added = []
        for entry in hosts:
            grant = parse_grant(entry)
            address = parse_address(grant.host)
            if grant.host == LOCALHOST or (address is not None and not is_public(address)):
                raise ValueError(f"not a public host: {entry!r}")
            added.append(grant)
        return NetworkPolicy((*self.grants, *added))

    def allows_destination(self, host: str, port: int) -> bool:
        """Say whether a request to this host (see canonical_host) and port may be tried at all."""
        return any(grant.covers(host, port) for grant in self.grants)

    def allows_address(self, host: str, port: int, address: Address) -> bool:
        """Say whether a connection for an allowed destination may go to this address, which its name resolved to."""
        address = unwrap(address)
        if host == LOCALHOST:
            return address.is_loopback and self.allows_destination(LOCALHOST, port)
        if is_public(address):
            return True
        return any(grant.host == str(address) and grant.port in {None, port} for grant in self.grants)


def parse_grant(entry: str) -> Grant:
    """Read one entry of an allow list; ValueError if it is none."""
    host, port = split_authority(entry)
    if host == "*":
        return Grant(host, port)
    prefix = "*." if host.startswith("*.") else ""
    try:
        return Grant(prefix + canonical_host(host.removeprefix(prefix)), port)
    except ValueError as error:
        raise ValueError(f"not a host or host:port: {entry!r}") from error


def split_authority(authority: str) -> tuple[str, int | None]:
    """Split `host[:port]` (RFC 3986, 3.2, without user information); ValueError if it is malformed.

    The host is returned as written, an IPv6 address without its brackets.
    """
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:@/?#\\\s]+))(?::(\d{1,5}))?", authority)
    if match is None:
        raise ValueError(f"not a host or host:port: {authority!r}")
    bracketed, plain, digits = match.groups()
    port = None if digits is None else int(digits)
    if port is not None and not 0 < port <= MAX_PORT:
        raise ValueError(f"port out of range: {authority!r}")
    return (plain if bracketed is None else str(IPv6Address(bracketed))), port


def canonical_host(host: str) -> str:
    """Return a host in the one form that grants are compared in; ValueError if it is neither name nor address.

    Names are ASCII (internationalized ones in their xn-- form), in lower case and without a final dot.
    """
    address = parse_address(host)
    if address is not None:
        return str(address)
    name = host.lower().removesuffix(".")
    if len(name) > MAX_NAME or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError(f"not a host name: {host!r}")
    return name


def parse_address(host: str) -> Address | None:
    """Return the address that a host literally is, unwrapped, or None for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return None  # a zone names an interface of this machine
    return unwrap(address)


def unwrap(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped or NAT64 address stands for, else the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def is_public(address: Address) -> bool:
    """Say whether an address is a unicast address of the open Internet.

    Not public: loopback, private, link-local (with the clouds' metadata services), carrier-grade NAT, multicast,
    unspecified, documentation and reserved addresses (IANA's special-purpose registries), and disguises of these.
    """
    address = unwrap(address)
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return not any(address.version == network.version and address in network for network in _CLOSED)
