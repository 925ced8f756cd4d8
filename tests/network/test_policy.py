from __future__ import annotations

from ipaddress import ip_address

import pytest

from runtime.network.policy import NetworkPolicy, canonical_host, is_public, parse_grant, split_authority


@pytest.mark.parametrize(
    ("allow", "host", "port", "allowed"),
    [
        ([], "api.example.com", 443, False),
        (["api.example.com"], "api.example.com", 443, True),
        (["api.example.com"], "api.example.com", 8443, True),
        (["API.Example.com."], "api.example.com", 443, True),
        (["api.example.com:443"], "api.example.com", 443, True),
        (["api.example.com:443"], "api.example.com", 80, False),
        (["api.example.com"], "evil-api.example.com", 443, False),
        (["api.example.com"], "api.example.com.evil.test", 443, False),
        (["*.example.com"], "a.example.com", 443, True),
        (["*.example.com"], "a.b.example.com", 443, True),
        (["*.example.com"], "example.com", 443, False),
        (["*.example.com"], "badexample.com", 443, False),
        (["*.example.com:443"], "a.example.com", 80, False),
        (["*"], "anything.test", 1, True),
        (["*:443"], "anything.test", 80, False),
        (["*"], "8.8.8.8", 53, True),
        (["*"], "127.0.0.1", 80, False),
        (["*"], "169.254.169.254", 80, False),
        (["*"], "localhost", 80, False),
        (["127.0.0.1:8080"], "127.0.0.1", 8080, True),
        (["127.0.0.1:8080"], "127.0.0.1", 8081, False),
        (["127.0.0.1"], "localhost", 80, False),
        (["localhost"], "localhost", 80, True),
        (["localhost"], "127.0.0.1", 80, False),
        (["[::1]:80"], "::1", 80, True),
        (["[0:0:0:0:0:0:0:1]"], "::1", 80, True),
        (["10.0.0.5"], "10.0.0.5", 80, True),
        (["10.0.0.5"], "10.0.0.6", 80, False),
    ],
)
def test_destinations(allow: list[str], host: str, port: int, allowed: bool) -> None:
    assert NetworkPolicy.parse(allow).allows_destination(canonical_host(host), port) is allowed


@pytest.mark.parametrize(
    ("allow", "host", "port", "address", "allowed"),
    [
        (["api.test"], "api.test", 443, "93.184.215.14", True),
        (["api.test"], "api.test", 443, "10.0.0.1", False),
        (["api.test"], "api.test", 443, "::ffff:10.0.0.1", False),
        (["*"], "api.test", 443, "127.0.0.1", False),
        (["*"], "metadata.test", 80, "169.254.169.254", False),
        (["localhost"], "localhost", 80, "127.0.0.1", True),
        (["localhost"], "localhost", 80, "::1", True),
        (["localhost"], "localhost", 80, "10.0.0.1", False),
        (["localhost:80"], "localhost", 81, "127.0.0.1", False),
        (["localhost", "*"], "api.test", 80, "127.0.0.1", False),
        (["10.0.0.5:80"], "10.0.0.5", 80, "10.0.0.5", True),
        (["intranet.test", "10.0.0.5"], "intranet.test", 80, "10.0.0.5", True),
        (["intranet.test", "10.0.0.5:443"], "intranet.test", 80, "10.0.0.5", False),
        (["127.0.0.1"], "127.0.0.1", 80, "::ffff:127.0.0.1", True),
    ],
)
def test_addresses(allow: list[str], host: str, port: int, address: str, allowed: bool) -> None:
    assert NetworkPolicy.parse(allow).allows_address(host, port, ip_address(address)) is allowed


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104
        "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8", "168.63.129.16",
        "169.254.169.254", "172.16.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
        "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "fc00::1", "fd00:ec2::254", "fe80::1",
        "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_closed_addresses(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "entry",
    [
        "", "http://example.com", "example.com/path", "example.com:0", "example.com:65536", "example.com:x", "user@host",
        "*example.com", "a.*.com", "10.0.0.0/8", "exa mple.com", "bücher.example", "-a.com", "a..b", ":80", "[::1", "::1",
        "[fe80::1%eth0]", "a" * 64, f"{'a.' * 127}toolong",
    ],
)  # fmt: skip
def test_entries_that_are_no_grants(entry: str) -> None:
    with pytest.raises(ValueError, match=r"host|port|Expected|address|At least"):
        parse_grant(entry)


def test_authorities() -> None:
    assert split_authority("example.com") == ("example.com", None)
    assert split_authority("example.com:8080") == ("example.com", 8080)
    assert split_authority("[::1]:80") == ("::1", 80)
    with pytest.raises(ValueError, match="host"):
        split_authority("user:password@example.com")


def test_an_agent_brings_public_hosts_only() -> None:
    policy = NetworkPolicy.parse(["127.0.0.1"]).with_public(["api.example.com", "*.example.org", "1.1.1.1"])
    assert policy.allows_destination("api.example.com", 443)
    assert policy.allows_destination("127.0.0.1", 80)
    for entry in ("localhost", "127.0.0.1:80", "[fd00::1]", "169.254.169.254"):
        with pytest.raises(ValueError, match="not a public host"):
            NetworkPolicy().with_public([entry])
