"""What somebody who writes an agent waits for."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import Figure, Skipped, daemon, timed
from bench.sessions import create
from tests.commands.built import DIST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client.sync import Client

RUNS = 31
LIVE = 10
MANIFEST = 'id = "edited"\ntitle = "Edited"\nversion = "1"\nkind = "python"\nentry = "agent.py"\n'
AGENT = """\
from torpor_agent import Agent, run

class Edited(Agent):
    async def prompt(self, session, blocks):
        session.say("{answer}")

run(Edited())
"""


def edits() -> Iterator[Figure]:
    """An agent in Python without a build: its source is written, a session opened and prompted. Beside it echo, not edited."""
    if not (DIST / "python3.wasm").exists():
        raise Skipped("python3 is not built: make commands")
    with tempfile.TemporaryDirectory(prefix="torpor-bench-") as folder:
        source = Path(folder) / "edited" / "agent.py"
        source.parent.mkdir()
        source.with_name("agent.toml").write_text(MANIFEST)
        numbers = itertools.count()

        def edit() -> None:
            answer = f"answer {next(numbers)}"
            source.write_text(AGENT.format(answer=answer))
            assert _ask(client, "edited") == answer

        with daemon(TORPOR_AGENTS=folder) as running, running.client() as client:
            client.call("vm.getOrCreate", vm="vm")
            yield Figure("from an edit to the next answer", timed(edit, RUNS), "ms")
            yield Figure("echo: a session and its first answer", timed(lambda: _ask(client, "echo"), RUNS), "ms")
            before = running.private_kib()
            for _ in range(LIVE):
                create(client, "vm", "edited", {})
            yield Figure("private memory of a live session", [(running.private_kib() - before) / 1024 / LIVE], "MiB")


def _ask(client: Client, agent: str) -> str:
    """What a new session answers, which is closed again."""
    session = create(client, "vm", agent, {})
    answer: str = client.call("sendPrompt", vm="vm", sessionId=session, prompt="say x")["text"]
    client.call("closeSession", vm="vm", sessionId=session)
    return answer
