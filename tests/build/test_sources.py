"""Where the source archives of commands/ come from, with an apt that is a script here."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.build.conftest import module

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"a release"
DOWNLOAD = 'printf "a release" > "$5"'


@attrs.frozen
class Apt:
    """A script in the place of apt's helper: its last words are the address, the file and the hash."""

    sources: Any
    helper: Path

    def fetch(self, digest: str = hashlib.sha256(CONTENT).hexdigest()) -> dict[str, Path]:
        found: dict[str, Path] = self.sources.fetch([self.sources.Archive("small", "small.tar.gz", digest)])
        return found

    def write(self, script: str) -> None:
        self.helper.write_text(f"#!/bin/sh\n{script}\n")
        self.helper.chmod(0o755)


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Apt:
    sources = module("sources")
    helper = tmp_path / "apt-helper"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TORPOR_SOURCES", raising=False)
    monkeypatch.setattr(sources, "_mirror", lambda: "https://mirror/debian")
    monkeypatch.setattr(sources, "APT_HELPER", helper)
    return Apt(sources, helper)


def test_what_the_mirror_has_is_kept(apt: Apt) -> None:
    apt.write(f"case $4 in https://mirror/debian/pool/main/s/small/small.tar.gz) {DOWNLOAD};; *) exit 100;; esac")
    path = apt.fetch()["small.tar.gz"]
    assert path.read_bytes() == CONTENT
    apt.write("exit 1")
    assert apt.fetch() == {"small.tar.gz": path}


def test_what_only_the_mirror_of_security_updates_has_is_told_and_kept(
    apt: Apt, capsys: pytest.CaptureFixture[str]
) -> None:
    apt.write(
        f"case $4 in */debian-security/pool/updates/main/s/small/small.tar.gz) {DOWNLOAD};; *) echo no; exit 1;; esac"
    )
    assert apt.fetch().keys() == {"small.tar.gz"}
    assert "no" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("package", "name", "path"),
    [
        ("libxml2", "libxml2_1.tar.xz", "libx/libxml2/libxml2_1.tar.xz"),
        ("tar", "tar_1+dfsg.gz", "t/tar/tar_1%2Bdfsg.gz"),
    ],
)
def test_an_archive_is_in_the_pool_by_the_name_of_its_package(apt: Apt, package: str, name: str, path: str) -> None:
    first, security, once = apt.sources.places(apt.sources.Archive(package, name, ""), "https://m/debian")
    assert first == f"https://m/debian/pool/main/{path}"
    assert security == f"https://m/debian-security/pool/updates/main/{path}"
    assert once == f"{apt.sources.SNAPSHOT}/pool/main/{path}"


def test_an_apt_that_hangs_is_given_up(apt: Apt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt.sources, "DOWNLOAD_TIMEOUT_S", 0.5)
    apt.write("printf 'a rel' > \"$5\"; exec sleep 600")
    with pytest.raises(apt.sources.MissingSourcesError, match="TORPOR_SOURCES"):
        apt.fetch()


@pytest.mark.parametrize("helper", ["exit 100", 'printf forged > "$5"'])
def test_what_is_not_the_archive_is_not_used(apt: Apt, helper: str) -> None:
    apt.write(helper)
    with pytest.raises(apt.sources.MissingSourcesError, match=r"[0-9a-f]{64}  small\.tar\.gz"):
        apt.fetch()


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("Types: deb\nURIs: http://deb.debian.org/debian/\nSuites: trixie\n", "http://deb.debian.org/debian"),
        ("Types: deb\nURIs: https://mirror.example/debian\n", "https://mirror.example/debian"),
        (
            "# deb http://old/debian x main\ndeb [arch=amd64 signed-by=/k.gpg] https://m/debian x main\n",
            "https://m/debian",
        ),
        ("deb http://m/debian-security x main\ndeb-src http://m/debian x main\n", "http://m/debian"),
        ("deb http://archive.ubuntu.com/ubuntu noble main\n", None),
        ("", None),
    ],
)
def test_the_mirror_is_the_one_that_the_machine_uses(apt: Apt, text: str, site: str | None) -> None:
    assert apt.sources.mirror_in(text) == site


def wheel(path: Path) -> str:
    """Write one that is called one, 1.0; its SHA-256."""
    with zipfile.ZipFile(path / "one-1.0-py3-none-any.whl", "w") as file:
        file.writestr("one.py", "")
        file.writestr("one-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: one\nVersion: 1.0\n")
        file.writestr("one-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("one-1.0.dist-info/RECORD", "")
    return hashlib.sha256((path / "one-1.0-py3-none-any.whl").read_bytes()).hexdigest()


def test_a_wheel_comes_from_where_pip_is_told_to_look(
    apt: Apt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wheels").mkdir()
    digest = wheel(tmp_path / "wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    wanted = apt.sources.Archive("one", "one-1.0-py3-none-any.whl", digest)
    assert (apt.sources.extract(wanted, tmp_path / "source") / "one.py").read_text() == ""
    (tmp_path / "wheels" / "one-1.0-py3-none-any.whl").unlink()
    assert apt.sources.fetch([wanted])["one-1.0-py3-none-any.whl"].exists(), "it is kept"
    other = attrs.evolve(wanted, name="one-1.0-py2-none-any.whl")
    with pytest.raises(apt.sources.MissingSourcesError, match="nor wheels by pip"):
        apt.sources.fetch([other])
