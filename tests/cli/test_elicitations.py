"""`torpor run` at a terminal, when the agent questions the person who sits there."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.patience import WAIT
from tests.system.daemon import fresh_name

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.daemon import Daemon

FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Your name", "description": "as you sign"},
        "age": {"type": "integer"},
        "height": {"type": "number", "default": 1.5},
        "colour": {"type": "string", "oneOf": [{"const": "r", "title": "Red"}, {"const": "g", "title": "Green"}]},
        "tools": {"type": "array", "items": {"type": "string", "enum": ["git", "make"]}},
        "sure": {"type": "boolean"},
    },
    "required": ["name"],
}


def run(daemon: Daemon, place: Path, question: dict[str, Any], typed: str) -> tuple[Any, str]:
    """What the agent is answered, and what the person was shown."""
    ours, theirs = pty.openpty()
    shown = place / "shown"
    asked = {"message": "Who are you?", **question}
    command = [sys.executable, "-P", "-m", "runtime.cli", "run", "--vm", fresh_name("cli"), "echo"]
    try:
        os.write(ours, typed.encode())
        with subprocess.Popen(
            [*command, f"request elicitation/create {json.dumps(asked)}"],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**os.environ, "TORPOR_SOCKET": str(daemon.socket)},
        ) as program:
            os.close(theirs)
            text = b""
            while program.poll() is None or not text.endswith(b"\n"):
                try:
                    text += os.read(ours, 10_000)
                except OSError:  # the last one that had it is gone
                    break
            answer, _ = program.communicate(timeout=WAIT)
    finally:
        os.close(ours)
    shown.write_bytes(text)
    return json.loads(answer.decode().partition(" ")[2]), text.decode()


def test_a_form_is_asked_for_line_by_line(daemon: Daemon, tmp_path: Path) -> None:
    typed = "Ada\nmany\n36\n\n9\n2\n1, make\nperhaps\ny\n"
    answer, shown = run(daemon, tmp_path, {"mode": "form", "requestedSchema": FORM}, typed)
    content = {"name": "Ada", "age": 36, "height": 1.5, "colour": "g", "tools": ["git", "make"], "sure": True}
    assert answer == {"action": "accept", "content": content}
    for line in ("The agent asks: Who are you?", "Your name (as you sign): ", "integer expected", "2. Green", "y or n"):
        assert line in shown


@pytest.mark.parametrize(
    ("question", "typed", "action"),
    [
        ({"mode": "form", "requestedSchema": FORM}, "\n", "decline"),
        ({"mode": "url", "url": "https://example.com/", "elicitationId": "e"}, "y\n", "accept"),
        ({"mode": "url", "url": "https://example.com/", "elicitationId": "e"}, "\n", "decline"),
    ],
)
def test_a_question_is_taken_or_not(
    daemon: Daemon, tmp_path: Path, question: dict[str, Any], typed: str, action: str
) -> None:
    answer, shown = run(daemon, tmp_path, question, typed)
    assert answer == {"action": action}
    assert question.get("url", "") in shown


def test_where_nobody_sits_it_is_declined(daemon: Daemon) -> None:
    vm, session = fresh_name("cli"), fresh_name("s")
    asked = {"mode": "url", "message": "Go there", "url": "https://example.com/", "elicitationId": "e"}
    with daemon.connect() as api:
        api.call("vm.getOrCreate", vm=vm)
        api.call("createSession", vm=vm, agentType="echo", options={"sessionId": session, "elicitation": ["url"]})
    command = [sys.executable, "-P", "-m", "runtime.cli", "run", "--vm", vm, "--session", session, "echo"]
    done = subprocess.run(
        [*command, f"request elicitation/create {json.dumps(asked)}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "TORPOR_SOCKET": str(daemon.socket)},
        timeout=WAIT,
        check=False,
    )
    assert b'{"action":"decline"}' in done.stdout
    assert b"declined: Go there" in done.stderr
