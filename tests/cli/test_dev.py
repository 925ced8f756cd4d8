"""What `agent dev` takes for an edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.cli import dev
from runtime.cli.dependencies import LOCK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def steps(monkeypatch: pytest.MonkeyPatch, *given: Callable[[], object]) -> list[Callable[[], object]]:
    """Have these happen one after the other, each between two looks; those that have not happened yet."""
    left = [*given]
    monkeypatch.setattr(dev.time, "sleep", lambda _seconds: left.pop(0)())
    return left


def test_an_edit_is_whole_once_two_looks_see_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = tmp_path / "agent.mjs"
    entry.write_text("old")
    before = dev.files(tmp_path)
    left = steps(
        monkeypatch,
        lambda: None,
        lambda: entry.write_text(""),
        lambda: entry.write_text("half"),
        lambda: (tmp_path / "other.mjs").write_text("another file"),
        lambda: None,
    )
    assert dev.edited(tmp_path, before) == dev.files(tmp_path)
    assert (left, {*dev.files(tmp_path)}) == ([], {str(entry), str(tmp_path / "other.mjs")})


def test_what_is_taken_back_at_once_is_no_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dev.files(tmp_path)
    draft = tmp_path / "draft"
    left = steps(monkeypatch, draft.touch, draft.unlink, lambda: None, draft.touch, lambda: None)
    assert {*dev.edited(tmp_path, before)} == {str(draft)}
    assert left == []


def test_what_an_install_writes_is_no_edit(tmp_path: Path) -> None:
    for name in ("node_modules", "packages"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.js").touch()
    (tmp_path / LOCK).touch()
    assert dev.files(tmp_path) == {}
