"""Compiled components that come with the program; needs no executable."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from runtime.cli.install import LICENSES
from runtime.cli.main import main
from runtime.engine import open_cache

if TYPE_CHECKING:
    from pathlib import Path

KEY = "0" * 64 + ".cwasm"


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORPOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "unpacked"), raising=False)
    (tmp_path / "unpacked" / "components").mkdir(parents=True)
    return tmp_path / "unpacked"


def read(descriptor: int | None) -> bytes:
    assert descriptor is not None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def test_what_came_with_the_program_is_found_first_and_left_as_it_is(unpacked: Path) -> None:
    shipped = unpacked / "components" / KEY
    shipped.write_bytes(b"shipped")
    os.utime(shipped, (1, 1))
    cache = open_cache()
    cache.store(KEY, b"own")
    assert read(cache.open(KEY)) == b"shipped"
    assert shipped.stat().st_mtime == 1


def test_the_user_s_own_are_found_behind_it(unpacked: Path) -> None:
    cache = open_cache()
    assert cache.open(KEY) is None
    cache.store(KEY, b"own")
    assert read(cache.open(KEY)) == b"own"


def test_a_link_is_not_followed(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"code")
    (unpacked / "components" / KEY).symlink_to(tmp_path / "elsewhere")
    assert open_cache().open(KEY) is None


def test_licences_are_printed_from_beside_the_program(unpacked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (unpacked / LICENSES).write_text("the licences\n")
    assert main(["licenses"]) == 0
    assert capsys.readouterr().out == "the licences\n"


def test_outside_the_executable_there_are_none_to_print(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["licenses"]) == 1
    assert "neither an executable nor a wheel" in capsys.readouterr().err
