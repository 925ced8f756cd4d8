"""The build: what it leaves, what it says, what it may not contain."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.agents.conftest import AGENTS, ROOT
from tests.patience import WAIT

if TYPE_CHECKING:
    from pathlib import Path


def build(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "build/components.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT, check=False)


def test_builds_only_what_has_changed(built: str) -> None:
    again = build("--examples")
    names = ("echo", "pi", "hello-c", "hello-js", "hello-py")
    assert again.stdout.splitlines() == [f"{name}.wasm: up to date" for name in names]


def test_names_the_agents_there_are_when_asked_for_another(built: str) -> None:
    done = build("nosuch")
    assert done.returncode == 1
    assert "no such agent: nosuch; there are echo, pi, hello-c, hello-js, hello-py" in done.stderr


def test_builds_agents_that_live_outside_of_the_checkout(built: str, tmp_path: Path) -> None:
    agent = tmp_path / "agents" / "elsewhere"
    agent.mkdir(parents=True)
    (agent / "main.mjs").write_text("export const run = { run() {} };\n")
    (agent / "agent.toml").write_text(
        'id = "elsewhere"\ntitle = "Elsewhere"\nversion = "1"\ncomponent = "elsewhere.wasm"\n'
        '[build]\nkind = "quickjs"\nentry = "main.mjs"\nworld = "offline"\n'
    )
    done = build("--folder", str(tmp_path / "agents"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "agents" / "dist" / "elsewhere.wasm").read_bytes().startswith(b"\0asm")
    assert build("--folder", str(tmp_path / "agents")).stdout.splitlines() == ["elsewhere.wasm: up to date"]


def test_lock_file_names_no_registry() -> None:
    lock = json.loads((AGENTS / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    # What is in another package's archive is checked with that.
    own = [package for name, package in lock["packages"].items() if name and not package.get("inBundle")]
    assert own
    assert all("integrity" in package for package in own)
