"""What a newcomer reads first names files that are there and commands that `make` has."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md"]
FOLDERS = "|".join(each.name for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith("."))


def test_the_files_that_are_named_are_there() -> None:
    for page in PAGES:
        named = re.findall(rf"`((?:{FOLDERS})/[\w./]*)`", page.read_text("utf-8"))
        assert len(named) > 10, page
        assert [path for path in named if not (ROOT / path).exists() and "NAME" not in path] == [], page


def test_the_commands_that_are_named_are_there() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    named = re.findall(r"make ([a-z-]+)", PAGES[0].read_text("utf-8"))
    assert "check" in named
    assert set(named) - set(targets) == set()
