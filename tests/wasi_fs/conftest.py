"""A tree in each test, over a backend in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.trees import World, settle, snapshot, world
from wasi_fs import Mount

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wasi_fs import FileSystem, Stat


__all__ = ["settle", "world"]


@pytest.fixture
def new_world() -> Callable[..., World]:
    return World


@pytest.fixture
def see() -> Callable[[FileSystem], dict[str, tuple[Stat, object]]]:
    return snapshot


@pytest.fixture
def host(tmp_path: Path) -> Path:
    directory = tmp_path.resolve() / "host"
    directory.mkdir()
    (directory / "file").write_bytes(b"of the host")
    (directory / "below").mkdir()
    outside = tmp_path.resolve() / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    return directory


@pytest.fixture
def fs(world: World, host: Path) -> FileSystem:
    assert world.fs.set_mounts([Mount("/mnt/work", str(host))]) == []
    return world.fs
