"""The build: what it leaves, what it says, what it may not contain."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.agents.conftest import AGENTS, ROOT


def build(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "build/components.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_builds_only_what_has_changed(built: str) -> None:
    again = build("--examples")
    assert again.stdout.splitlines() == [f"{name}.wasm: up to date" for name in ("echo", "pi", "hello-js", "hello-py")]


def test_names_the_agents_there_are_when_asked_for_another(built: str) -> None:
    done = build("nosuch")
    assert done.returncode == 1
    assert "no such agent: nosuch; there are echo, pi, hello-js, hello-py" in done.stderr


def test_lock_file_names_no_registry() -> None:
    lock = json.loads((AGENTS / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
