"""Files that get their name when they are whole: with and without names meanwhile, and kills at every step."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import runtime.newfile
from runtime.newfile import PREFIX, NewFile, make_directory, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KILLED = """
import os, signal, sys
from pathlib import Path
import runtime.newfile
from runtime.newfile import NewFile

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "named":
    runtime.newfile._nameless = lambda *_: None
with NewFile(Path(sys.argv[1])) as file:
    os.write(file.descriptor, b"half")
    if sys.argv[3] == "written":
        die()
    if sys.argv[3] == "renamed":
        Path.rename = die
    file.publish(replace=True)
"""


@pytest.fixture(params=["nameless", "named"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "named":
        monkeypatch.setattr(runtime.newfile, "_nameless", lambda *_: None)
    monkeypatch.setattr(runtime.newfile, "_swept", set())
    return request.param


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path, way: str) -> None:
    with NewFile(tmp_path / "a", 0o640) as file:
        os.write(file.descriptor, b"content")
        assert len(names(tmp_path)) == (way == "named")
        file.publish()
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"content"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "a").stat().st_nlink == 1


def test_what_is_not_published_is_nothing(tmp_path: Path) -> None:
    with NewFile(tmp_path / "a") as file:
        os.write(file.descriptor, b"half")
    assert names(tmp_path) == []


@pytest.mark.parametrize("link", [False, True])
def test_what_is_there_stays_unless_it_is_to_be_replaced(tmp_path: Path, *, link: bool) -> None:
    if link:
        (tmp_path / "a").symlink_to("nowhere")
    else:
        (tmp_path / "a").write_text("old")
    with pytest.raises(FileExistsError), NewFile(tmp_path / "a") as file:
        file.publish()
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").is_symlink() == link
    with NewFile(tmp_path / "a") as file:
        os.write(file.descriptor, b"new")
        file.publish(replace=True)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "new"


def test_a_filesystem_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "nameless":
        pytest.skip("who has nameless files has links")

    def refuse(*_args: object, **_named: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    for replace in (False, True):
        with NewFile(tmp_path / "a") as file:
            file.publish(replace=replace)
    with pytest.raises(FileExistsError), NewFile(tmp_path / "a") as file:
        file.publish()
    assert names(tmp_path) == ["a"]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        NewFile(tmp_path / "none" / "a")


@pytest.mark.parametrize("when", ["written", "renamed"])
def test_the_killed_leave_nothing_that_the_next_one_does_not_remove(tmp_path: Path, way: str, when: str) -> None:
    (tmp_path / "a").write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "a", way, when], check=False)
    assert done.returncode == -9
    left = names(tmp_path)
    assert len(left) == 1 + (way == "named" or when == "renamed")
    assert (tmp_path / "a").read_text() == "old"
    with NewFile(tmp_path / "b") as file:
        file.publish()
    assert names(tmp_path) == ["a", "b"]


def test_what_somebody_holds_or_somebody_else_has_made_is_not_swept(tmp_path: Path, way: str) -> None:
    (tmp_path / f"{PREFIX}folder").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to("a")
    (tmp_path / "a").write_text("kept")
    with NewFile(tmp_path / "b") as file:
        before = names(tmp_path)
        sweep(tmp_path)
        assert names(tmp_path) == before
        file.publish()
    assert names(tmp_path) == [f"{PREFIX}folder", f"{PREFIX}link", "a", "b"]


def test_directories_are_made_down_to_the_last(tmp_path: Path) -> None:
    make_directory(tmp_path / "a" / "b")
    make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"file"):
        make_directory(tmp_path / "file" / "c")


def test_folders_without_number_are_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: set[Path] = set()
    monkeypatch.setattr(runtime.newfile, "_swept", swept)
    monkeypatch.setattr(runtime.newfile, "FOLDERS_REMEMBERED", 2)
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        with NewFile(folder / "x") as new:
            new.publish()
        assert folder in swept
        assert len(swept) <= 2
