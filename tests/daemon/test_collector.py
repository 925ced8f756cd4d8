"""The garbage collector looks at what is new, and at the rest when nobody waits."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest
import trio

from runtime.daemon.collector import LOOK_SECONDS, PUT_ASIDE, YOUNG_ROUNDS, Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio.testing import MockClock


class Node:
    """An object in a cycle."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector().installed() as installed:
        yield installed
    assert gc.get_freeze_count() == 0


def test_a_collection_does_not_look_at_what_has_survived_one(collector: Collector) -> None:
    kept = [Node() for _ in range(10_000)]
    gc.collect()
    assert len(gc.get_objects()) < 1_000
    assert len(kept) == 10_000


async def test_what_was_put_aside_is_looked_at_when_nobody_waits(collector: Collector, mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    quiet = False
    node = Node()
    alive = weakref.ref(node)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(collector.collect, lambda: quiet)
        gc.collect()
        del node
        gc.collect()
        await trio.sleep(LOOK_SECONDS * 3)
        assert alive() is not None
        quiet = True
        await trio.sleep(LOOK_SECONDS * 2)
        assert alive() is None
        nursery.cancel_scope.cancel()


async def test_who_is_never_quiet_collects_all_the_same(collector: Collector, mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    node = Node()
    alive = weakref.ref(node)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(collector.collect, lambda: False)
        gc.collect()
        del node
        for _ in range(PUT_ASIDE):
            gc.collect()
        await trio.sleep(LOOK_SECONDS * 2)
        assert alive() is None
        nursery.cancel_scope.cancel()


def test_a_collection_is_due_early(collector: Collector) -> None:
    gc.collect()
    kept = []
    for _ in range(8):
        kept.append([Node() for _ in range(10_000)])
        assert len(gc.get_objects()) < (YOUNG_ROUNDS + 2) * 10_000
    assert len(kept) == 8
