"""`torpor sdk`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.cli import exits
from runtime.cli.main import main

if TYPE_CHECKING:
    import pytest

AGENTS = Path(__file__).resolve().parents[2] / "agents"


def test_the_sdk_is_copied_over_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "wire.mjs").write_text("of another version")
    assert main(["sdk", str(tmp_path), "--json"]) == exits.OK
    told = json.loads(capsys.readouterr().out)
    for name, source in {"js/wire.mjs": "sdk/js/wire.mjs", "wit/worlds.wit": "wit/worlds.wit"}.items():
        assert (tmp_path / name).read_bytes() == (AGENTS / source).read_bytes()
        assert str(tmp_path / name) in told["files"]


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["sdk", str(tmp_path / "file")]) == exits.FAILED
    assert str(tmp_path / "file") in capsys.readouterr().err
