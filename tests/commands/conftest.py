"""The server of the tests of commands that speak HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commands.web import Web, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with serving(Web()) as web:
        yield web
