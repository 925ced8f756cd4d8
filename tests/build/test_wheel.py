"""What the wheel and the single executable are put together from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.build.conftest import module

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_sdk_goes_without_what_was_built_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = module("wheel")
    for name in ("sdk/c/start.c", "sdk/c/dist/full.a", "wit/worlds.wit"):
        (tmp_path / "agents" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "agents" / name).write_text("")
    monkeypatch.setattr(wheel, "AGENTS", tmp_path / "agents")
    wheel.copy_sdk(tmp_path / "copy")
    files = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert files == {"sdk/c/start.c", "wit/worlds.wit"}
