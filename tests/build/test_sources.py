"""Where the source archives of commands/ come from, with an apt that is a script here."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.build.conftest import module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = b"a release"
OFFER = "printf \"'http://mirror/small.tar.gz' small.tar.gz 9 SHA512:0\\n'http://mirror/other' other 9 SHA512:0\\n\""


@attrs.frozen
class Apt:
    """Two scripts in the places of apt-get and of its helper."""

    sources: Any
    folder: Path

    def fetch(self, digest: str = hashlib.sha256(CONTENT).hexdigest()) -> dict[str, Path]:
        found: dict[str, Path] = self.sources.fetch([self.sources.Archive("small", "small.tar.gz", digest)])
        return found

    def write(
        self, *, update: str = "exit 0", source: str = OFFER, helper: str = "printf 'a release' > \"$5\""
    ) -> None:
        get = f'case " $* " in *" update "*) {update};; *" source --print-uris "*" small "*) {source};; esac'
        for name, script in (("apt-get", get), ("apt-helper", helper)):
            (self.folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.folder / name).chmod(0o755)


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Apt:
    sources = module("sources")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    monkeypatch.setenv("PATH", str(bin_folder), prepend=":")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TORPOR_SOURCES", raising=False)
    monkeypatch.setattr(sources, "_mirror", lambda: "https://mirror/debian")
    monkeypatch.setattr(sources, "APT_HELPER", bin_folder / "apt-helper")
    monkeypatch.setattr(sources, "KEYRING", bin_folder)
    return Apt(sources, bin_folder)


def test_what_the_mirror_offers_is_kept(apt: Apt) -> None:
    apt.write()
    path = apt.fetch()["small.tar.gz"]
    assert path.read_bytes() == CONTENT
    apt.write(update="exit 1", source="exit 1", helper="exit 1")
    assert apt.fetch() == {"small.tar.gz": path}


def test_one_suite_is_enough(apt: Apt, capsys: pytest.CaptureFixture[str]) -> None:
    apt.write(update="echo no such suite; exit 100")
    assert apt.fetch().keys() == {"small.tar.gz"}
    assert "no such suite" in capsys.readouterr().out


def _hang_in_update(apt: Apt) -> None:
    apt.write(update="exec sleep 600", source="exit 100")


def _hang_when_asked(apt: Apt) -> None:
    apt.write(source="exec sleep 600")


def _hang_while_it_downloads(apt: Apt) -> None:
    apt.write(helper="printf 'a rel' > \"$5\"; exec sleep 600")


@pytest.mark.parametrize("hang", [_hang_in_update, _hang_when_asked, _hang_while_it_downloads])
def test_an_apt_that_hangs_is_given_up(apt: Apt, hang: Callable[[Apt], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt.sources, "DOWNLOAD_TIMEOUT_S", 0.5)
    hang(apt)
    with pytest.raises(apt.sources.MissingSourcesError, match="TORPOR_SOURCES"):
        apt.fetch()


@pytest.mark.parametrize("helper", ["exit 100", 'printf forged > "$5"'])
def test_what_is_not_the_archive_is_not_used(apt: Apt, helper: str) -> None:
    apt.write(helper=helper)
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
