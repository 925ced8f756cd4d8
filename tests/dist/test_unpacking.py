"""Unpacking: once, by one of those who race, again when it was damaged, and never from what is not whole."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import shutil
import subprocess
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.dist.conftest import DIST
from tests.patience import WAIT

if TYPE_CHECKING:
    from pathlib import Path

RACERS = 6


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "unpack"


def start(executable: Path, place: Path | str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [executable, "--version"],
        env={"TORPOR_UNPACK": str(place)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(executable: Path, place: Path | str) -> tuple[int, str, str]:
    with start(executable, place) as process:
        out, err = process.communicate(timeout=WAIT)
        return process.returncode, out, err


def succeed(executable: Path, place: Path) -> Path:
    """Run it; the folder that it runs from."""
    code, out, err = run(executable, place)
    assert (code, err) == (0, "")
    assert out.startswith("torpor ")
    name = executable.read_bytes()[-72:-8].rstrip(b"\0").decode()
    return place / name


def test_the_second_start_only_starts(executable: Path, place: Path) -> None:
    folder = succeed(executable, place)
    before = folder.stat().st_ino, folder.stat().st_ctime_ns
    assert succeed(executable, place) == folder
    assert (folder.stat().st_ino, folder.stat().st_ctime_ns) == before


def test_everything_is_private(executable: Path, place: Path) -> None:
    succeed(executable, place)
    assert all(not path.lstat().st_mode & 0o077 for path in (place, *place.rglob("*")))


def test_those_who_race_unpack_once(executable: Path, place: Path) -> None:
    processes = [start(executable, place) for _ in range(RACERS)]
    for process in processes:
        with process:
            out, err = process.communicate(timeout=WAIT)
        assert (process.returncode, err) == (0, "")
        assert out.startswith("torpor ")
    assert sorted(path.name for path in place.iterdir()) == [".torpor-unpacking", succeed(executable, place).name]


@pytest.mark.parametrize("damage", ["missing", "shorter", "changed", "open to others", "a link", "all gone"])
def test_a_damaged_folder_is_unpacked_again(executable: Path, place: Path, tmp_path: Path, damage: str) -> None:
    folder = succeed(executable, place)
    (library,) = folder.glob("_internal/libpython*")
    content = library.read_bytes()
    match damage:
        case "missing":
            library.unlink()
        case "shorter":
            os.truncate(library, 1000)
        case "changed":
            library.chmod(0o700)
            library.write_bytes(bytes(len(content)))
            library.chmod(0o500)
        case "open to others":
            library.chmod(0o777)
        case "a link":
            elsewhere = tmp_path / "elsewhere"
            shutil.move(library, elsewhere)
            library.symlink_to(elsewhere)
        case "all gone":
            shutil.rmtree(folder)
    succeed(executable, place)
    assert library.read_bytes() == content
    assert not library.is_symlink()


def test_what_an_interrupted_start_left_is_removed(executable: Path, place: Path) -> None:
    (place / ".torpor-new" / "_internal").mkdir(parents=True)
    place.chmod(0o700)
    folder = succeed(executable, place)
    assert sorted(path.name for path in place.iterdir()) == [".torpor-unpacking", folder.name]


def test_old_versions_go_unless_they_are_used_or_were_lately(executable: Path, place: Path) -> None:
    place.mkdir(mode=0o700)
    marks = {}
    for name, age in (("unused", 100_000), ("lately", 100), ("running", 100_000)):
        (place / name).mkdir(mode=0o700)
        marks[name] = place / name / ".torpor-in-use"
        marks[name].touch(mode=0o600)
        then = marks[name].stat().st_mtime - age
        os.utime(marks[name], (then, then))
    (place / "not-ours").mkdir()
    with marks["running"].open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        folder = succeed(executable, place)
    assert {path.name for path in place.glob("[!.]*")} == {"lately", "running", "not-ours", folder.name}


def is_used(folder: Path) -> bool:
    with (folder / ".torpor-in-use").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_a_daemon_that_a_command_started_keeps_its_folder(executable: Path, place: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="torpor-") as short:
        names = {"TORPOR_SOCKET": "s", "TORPOR_STATE": "state/db", "TORPOR_CACHE": "cache"}
        environment = {"TORPOR_UNPACK": str(place), **{name: f"{short}/{path}" for name, path in names.items()}}
        said = subprocess.run(
            [executable, "run", "echo", "hi"], check=False, env=environment, stdout=subprocess.PIPE, timeout=WAIT
        )
        try:
            assert said.stdout == b"echo: hi\n"
            folder = succeed(executable, place)
            assert is_used(folder)
        finally:
            subprocess.run([executable, "stop"], env=environment, check=True, timeout=WAIT)
        assert not is_used(folder)


def test_progress_is_shown_on_a_terminal_and_wiped_away(executable: Path, place: Path) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        environment = {"TORPOR_UNPACK": str(place)}
        subprocess.run(
            [executable, "--version"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=theirs,
            timeout=WAIT,
            check=True,
        )
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # Linux's way to say that nobody has the other end any more
            while part := terminal.read(65536):
                shown += part
    assert b"once: 50 %" in shown
    assert shown.endswith(b"\r\x1b[K")


def test_a_folder_of_others_is_refused(executable: Path, place: Path) -> None:
    place.mkdir()
    place.chmod(0o777)
    code, out, err = run(executable, place)
    assert (code, out) == (1, "")
    assert err.startswith(f"torpor: {place} must be a folder of your own with mode 0700")


def test_a_link_is_refused(executable: Path, place: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir(mode=0o700)
    place.symlink_to(tmp_path / "other")
    assert run(executable, place)[0] == 1
    assert not list((tmp_path / "other").iterdir())


def test_a_relative_place_is_refused(executable: Path) -> None:
    assert run(executable, "here") == (1, "", "torpor: TORPOR_UNPACK must be an absolute path: here\n")


@pytest.mark.parametrize(("at", "says"), [(0.5, "is damaged"), (None, "is not complete")])
def test_a_damaged_download_never_runs(
    executable: Path, place: Path, tmp_path: Path, at: float | None, says: str
) -> None:
    content = bytearray(executable.read_bytes())
    if at is None:
        del content[-100_000:]
    else:
        content[int(len(content) * at)] ^= 0x40
    damaged = tmp_path / "torpor"
    damaged.write_bytes(content)
    damaged.chmod(0o700)
    code, out, err = run(damaged, place)
    assert (code, out) == (1, "")
    assert f"this executable {says}: download it again" in err
    assert not list(place.glob("[!.]*"))


def test_the_sums_fit(executable: Path) -> None:
    lines = (DIST / "SHA256SUMS").read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == [executable.name, f"{executable.name}.cdx.json"]
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((DIST / name).read_bytes()).hexdigest() == digest


def test_the_bill_of_materials_names_the_executable_and_each_part_once(executable: Path) -> None:
    bill = json.loads((DIST / f"{executable.name}.cdx.json").read_text())
    (hashed,) = bill["metadata"]["component"]["hashes"]
    assert hashed["content"] == hashlib.sha256(executable.read_bytes()).hexdigest()
    references = [component["bom-ref"] for component in bill["components"]]
    assert len(references) == len(set(references))
    assert {"pkg:pypi/wasmtime@50.0.1", "pkg:npm/%40mariozechner/pi-agent-core@0.73.1"} <= {
        component.get("purl") for component in bill["components"]
    }
    assert all(component["licenses"][0]["license"]["name"] for component in bill["components"])
