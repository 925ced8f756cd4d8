"""Every example in Python runs against a real daemon, and prints what it is meant to."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.patience import WAIT
from tests.system.daemon import Daemon, environment, running

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "python"

OUTPUT = {
    "create": """\
session of echo in /home/user
modes: ask, code
status: idle
.*agent: echo \\(built-in\\)
.*""",
    "prompt": """\
echo: Hello there \\(end_turn\\)
from a block; once: True
error: session_not_found
""",
    "stream": """\
callback: chunk 1
callback: chunk 2
callback: chunk 3
the whole: \\['chunk', '1', 'chunk', '2', 'chunk', '3'\\]
loop: chunk 1
loop: chunk 2
asked for permission: Delete a file
loop: permission: allow-once
""",
    "cancel": """\
outcome: cancelled
stop reason: cancelled
still here
status: running
""",
    "close": """\
prompt to a closed session: session_closed
back again
history of a destroyed session: session_not_found
""",
    "options": """\
model \\(model\\): small
thought \\(thought_level\\): off
now: model=large thought=high
mode: code
""",
    "replay": """\
all events: True
chunks: 3
no gap, no duplicate: True
""",
    "asleep": """\
VM: asleep
notes is suspended, with all events
note.txt: kept
VM: asleep
fsread: kept
VM: awake
""",
    "team": """\
reviewer read: fsread: print\\('hi'\\)
files: a.txt b.txt main.py
coder: 2 prompts
reviewer: 2 prompts
""",
}


@pytest.fixture(scope="module")
def daemon(component_cache: Path) -> Iterator[Daemon]:
    directory = Path(tempfile.mkdtemp(prefix="torpor-"))
    with running(Daemon(directory / "d", environment(component_cache))) as daemon:
        yield daemon
        assert daemon.stop() == 0
    shutil.rmtree(directory)


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.py")))
def test_an_example(daemon: Daemon, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py"],
        env={**os.environ, "TORPOR_SOCKET": str(daemon.socket)},
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(OUTPUT[name], done.stdout, re.DOTALL), done.stdout


def test_the_readme_names_every_example() -> None:
    named = re.findall(r"^\| `(\w+)\.py` \|", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(OUTPUT)
