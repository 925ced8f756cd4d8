"""A tree in each test, over a backend in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.trees import SETTLINGS, World

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(params=SETTLINGS, ids=lambda function: function.__name__.removeprefix("settle_"))
def settle(request: pytest.FixtureRequest, world: World) -> Callable[[], None]:
    """To be called between the steps of a test: what is seen must not depend on how far it has been saved."""
    return lambda: request.param(world)
