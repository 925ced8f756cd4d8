"""The page for auditors names nothing that is not there."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest

from tests.docs.blocks import DOCS, ROOT

PAGE = (DOCS / "engine-safety.md").read_text("utf-8")
SPANS = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
CODE = [span for span in SPANS if re.fullmatch(r"[a-z_]+(\.[A-Za-z_]+)+", span) and not span.startswith("runtime.")]
MODULES = ("native", "crossings", "callbacks", "workshop", "compiling")
PATHS = [span for span in SPANS if span.startswith("tests/")]


def resolve(name: str) -> Any:
    """A module below runtime.engine, or something in one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(["runtime.engine", *parts[:count]]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("name", [*CODE, *MODULES])
def test_a_name_of_code_is_there(name: str) -> None:
    assert resolve(name) is not None


@pytest.mark.parametrize("path", PATHS)
def test_a_test_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_page_names_much() -> None:
    assert len(CODE) > 40
    assert len(PATHS) > 8


def test_all_that_reads_the_process_by_address_is_on_the_page() -> None:
    engine = ROOT / "runtime" / "engine"
    users = [
        ".".join(source.relative_to(engine).with_suffix("").parts)
        for source in engine.rglob("*.py")
        if "HOST_MEMORY" in source.read_text("utf-8")
    ]
    assert [user for user in users if f"`{user}`" not in PAGE] == []
