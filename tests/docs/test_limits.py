"""Limits of docs/limits.md and the tests that reach them, which are there."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def load(path: Path) -> Any:
    """Import a script that lies beside no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


table = load(ROOT / "tests" / "docs" / "limits_reached.py")


def test_every_limit_has_a_test_that_reaches_it() -> None:
    limits = {f"{each.module}.{each.name}": each.name for each in load(ROOT / "build" / "reference_limits.py").limits()}
    bounds = {limit for limit, name in limits.items() if limit in table.REACHED or not table.PACES.fullmatch(name)}
    assert bounds - table.REACHED.keys() == set(), "a new limit needs a test, in tests/docs/limits_reached.py"
    assert table.REACHED.keys() - bounds == set(), "the limit is gone: so is its entry to be"


def test_the_tests_that_reach_limits_are_there() -> None:
    missing = []
    for node in sorted(set(table.REACHED.values())):
        path, _, name = node.partition("::")
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        if not any(getattr(each, "name", None) == name for each in ast.walk(tree)):
            missing.append(node)
    assert missing == []
