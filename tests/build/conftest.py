"""The build scripts' modules, which are in no package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def module(name: str) -> Any:
    sys.path.insert(0, str(ROOT / "build"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


@pytest.fixture(scope="session")
def lock() -> Any:
    return module("lock")


@pytest.fixture(scope="session")
def advisories() -> Any:
    return module("advisories")


@pytest.fixture(scope="session")
def build_error() -> type[Exception]:
    error: type[Exception] = module("toolchain").BuildError
    return error
