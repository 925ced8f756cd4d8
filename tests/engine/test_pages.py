"""Which pages of a private mapping of a file are its owner's own."""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import TYPE_CHECKING

import pytest

from runtime.engine import pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 16


@pytest.fixture
def mapping(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """(address, end) of a private mapping of which pages 2, 3 and 9 were written to, and page 5 was read."""
    file = tmp_path / "content"
    file.write_bytes(b"\1" * mmap.PAGESIZE * COUNT)
    descriptor = os.open(file, os.O_RDONLY)
    mapped = mmap.mmap(descriptor, mmap.PAGESIZE * COUNT, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    os.close(descriptor)
    for page in (2, 3, 9):
        mapped[page * mmap.PAGESIZE] = 7
    assert mapped[5 * mmap.PAGESIZE] == 1
    held = ctypes.c_char.from_buffer(mapped)
    yield ctypes.addressof(held), ctypes.addressof(held) + mmap.PAGESIZE * COUNT
    del held
    mapped.close()


def written(start: int) -> list[tuple[int, int]]:
    return [(start + 2 * mmap.PAGESIZE, 2 * mmap.PAGESIZE), (start + 9 * mmap.PAGESIZE, mmap.PAGESIZE)]


def test_only_what_was_written_to_is_ones_own(mapping: tuple[int, int]) -> None:
    assert list(pages.own_runs(*mapping)) == written(mapping[0])


def test_the_page_map_tells_the_same_as_its_scan(mapping: tuple[int, int]) -> None:
    assert pages._read(*mapping) == written(mapping[0])


def test_a_scan_goes_on_where_its_list_was_full(mapping: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_MOST", 1)
    try:
        found = pages._scan(*mapping)
    except OSError:
        pytest.skip("this kernel is older than Linux 6.7")
    assert found == written(mapping[0])


def test_where_the_kernel_tells_nothing_everything_is_ones_own(
    mapping: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise PermissionError

    monkeypatch.setattr(pages, "_pagemap", refuse)
    assert list(pages.own_runs(*mapping)) == [(mapping[0], mapping[1] - mapping[0])]


def test_a_scan_that_does_not_get_on_is_not_believed(mapping: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages.fcntl, "ioctl", lambda *_: 0)
    assert list(pages.own_runs(*mapping)) == written(mapping[0])
