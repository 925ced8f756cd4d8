"""Who vouches for hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from runtime.network.authorities import AuthoritiesError, authorities
from tests.network.gate_bench import bench, hello, serving_as

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    authorities.cache_clear()
    yield
    authorities.cache_clear()


async def test_authorities_of_the_environment_are_in_place_of_the_public_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    file = tmp_path / "ours.pem"
    authority.cert_pem.write_to_path(file)
    server = serving_as(authority, "localhost")
    async with bench(hello, ["localhost"], server_context=server) as b:
        error = await b.failure(scheme="https", authority=f"localhost:{b.server.port}")
        assert error.code == "TLS-certificate-error"
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    authorities.cache_clear()
    async with bench(hello, ["localhost"], server_context=server) as b:
        assert await b.fetch(scheme="https", authority=f"localhost:{b.server.port}") == (200, b"hello ")
    assert len(authorities().get_ca_certs()) == 1


def test_what_names_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    with pytest.raises(AuthoritiesError, match=r"SSL_CERT_FILE: .*absent\.pem: No such file"):
        authorities()
    (tmp_path / "absent.pem").write_text("no certificate")
    with pytest.raises(AuthoritiesError, match=r"absent\.pem has no certificates"):
        authorities()
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(AuthoritiesError, match=r"SSL_CERT_DIR: there is no directory"):
        authorities()
