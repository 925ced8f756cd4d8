"""What is built anew, and what is left of a build that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.build.conftest import module

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def freshness() -> Any:
    return module("freshness")


def write_file(path: Path) -> None:
    path.write_bytes(bytes(2048))


def write_folder(path: Path) -> None:
    path.mkdir()
    (path / "one").write_bytes(bytes(1024))
    (path / "other").write_bytes(bytes(1024))


@pytest.mark.parametrize("write", [write_file, write_folder])
def test_a_file_or_a_folder_is_built_when_its_inputs_change(
    freshness: Any, write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "output"
    assert freshness.build_if_stale(output, "first", write)
    assert capsys.readouterr().out.startswith("output: 2 KiB in ")
    assert not freshness.build_if_stale(output, "first", write)
    assert freshness.build_if_stale(output, "second", write)


@pytest.mark.parametrize("write", [write_file, write_folder])
def test_a_build_that_fails_leaves_what_was_there(
    freshness: Any, write: Any, build_error: type[Exception], tmp_path: Path
) -> None:
    def fail(path: Path) -> None:
        write(path)
        raise build_error("no")

    output = tmp_path / "output"
    freshness.build_if_stale(output, "first", write)
    with pytest.raises(build_error, match="no"):
        freshness.build_if_stale(output, "second", fail)
    assert {path.name for path in tmp_path.iterdir()} == {"output", ".output.inputs", ".output.inputs.lock"}
    assert not freshness.build_if_stale(output, "first", write)


def test_what_a_killed_build_has_left_is_no_part_of_the_next(freshness: Any, tmp_path: Path) -> None:
    output = tmp_path / "output"
    write_folder(tmp_path / ".output.unfinished")
    (tmp_path / ".output.unfinished" / "old").touch()
    freshness.build_if_stale(output, "first", write_folder)
    assert {path.name for path in output.iterdir()} == {"one", "other"}
