"""A tree in each test, over a backend in memory, and a guest that calls into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.trees import settle, world
from tests.wasi.filesystem.guest import Guest

if TYPE_CHECKING:
    from tests.trees import World

__all__ = ["settle", "world"]


@pytest.fixture
def guest(world: World) -> Guest:
    return Guest(world)
