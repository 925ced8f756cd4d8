"""The daemon's habits, from the executable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.dist.conftest import CleanRoot

SHELLS = Path(__file__).resolve().parents[2] / "runtime" / "cli" / "shells"


def test_the_doctor_finds_nothing_amiss(clean_root: CleanRoot) -> None:
    done = clean_root.run("doctor --json --state /tmp/state/torpor.db", "vms --no-start", check=False)
    found = {each["check"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert found["engine"]["verdict"] == found["machine code"]["verdict"] == "ok"
    assert done.returncode == 3
    assert "there is no socket" in done.stderr


def test_a_daemon_comes_is_restarted_and_goes(clean_root: CleanRoot) -> None:
    done = clean_root.run("vms", "status --json", "restart", "status --json", "logs --json", "stop")
    before, after, *log = map(json.loads, done.stdout.splitlines())
    assert before["pid"] != after["pid"]
    assert before["arguments"] == after["arguments"]
    assert sum("ready on" in line["message"] for line in log) == 2


def test_units_name_the_executable_itself(clean_root: CleanRoot) -> None:
    clean_root.run("systemd --directory /tmp/units")
    units = clean_root.path / "tmp" / "units"
    assert 'ExecStart="/torpor" serve --idle-exit' in (units / "torpor.service").read_text()
    assert (units / "torpor.socket").is_file()


def test_completions_are_inside(clean_root: CleanRoot) -> None:
    done = clean_root.run("completions bash")
    assert done.stdout == (SHELLS / "torpor.bash").read_text()
