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


def test_what_was_built_in_the_sdk_is_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sdk/c/start.c", "sdk/c/dist/full.a", "sdk/c/dist/.full.a.inputs.lock", "wit/worlds.wit"):
        (tmp_path / "agents" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "agents" / name).write_text("")
    monkeypatch.setattr("runtime.vms.catalogue.built_in_directory", lambda: tmp_path / "agents")
    assert main(["sdk", str(tmp_path / "copy")]) == exits.OK
    files = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert files == {"c/start.c", "wit/worlds.wit"}


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["sdk", str(tmp_path / "file")]) == exits.FAILED
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_a_client_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("runtime.vms.catalogue.built_in_directory", lambda: tmp_path / "agents")
    assert main(["sdk", "client", str(tmp_path / "copy"), "--lang", "python"]) == exits.FAILED
    assert "make clients" in capsys.readouterr().err
    (tmp_path / "agents" / "clients").mkdir(parents=True)
    for lang, name in (("python", "torpor_client-1-py3-none-any.whl"), ("typescript", "torpor-client-1.tgz")):
        (tmp_path / "agents" / "clients" / name).write_text(lang)
        assert main(["sdk", "client", str(tmp_path / "copy"), "--lang", lang, "--json"]) == exits.OK
        told = json.loads(capsys.readouterr().out)
        assert told["file"] == str(tmp_path / "copy" / name)
        assert told["install"].endswith(f" install {told['file']}")
        assert (tmp_path / "copy" / name).read_text() == lang
    for words in (["a", "b"], ["b", "--lang", "python"], ["client", "a", "b", "--lang", "python"]):
        assert main(["sdk", *words]) == exits.USAGE
    (tmp_path / "file").touch()
    assert main(["sdk", "client", str(tmp_path / "file"), "--lang", "python"]) == exits.FAILED
