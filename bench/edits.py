"""What somebody who writes an agent waits for."""

from __future__ import annotations

import itertools
import tempfile
from functools import partial
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
MANIFEST = 'id = "{id}"\ntitle = "Edited"\nversion = "1"\nkind = "{kind}"\nentry = "{entry}"\n'
PYTHON = """\
from torpor_agent import Agent, run

class Edited(Agent):
    async def prompt(self, session, blocks):
        session.say("ANSWER")

run(Edited())
"""
JAVASCRIPT = """\
import { Agent, run } from "torpor-agent";

class Edited extends Agent {
  async prompt(session) {
    session.say("ANSWER");
  }
}

run(new Edited());
"""
KINDS = {"python": ("agent.py", PYTHON, "python3"), "node": ("agent.mjs", JAVASCRIPT, "node")}
"""The entry, its source, and the command that runs it."""


def edits() -> Iterator[Figure]:
    """Agents without a build: the source is written, a session opened and prompted. Beside them echo, not edited."""
    for _, _, command in KINDS.values():
        if not (DIST / f"{command}.wasm").exists():
            raise Skipped(f"{command} is not built: make commands")
    with (
        tempfile.TemporaryDirectory(prefix="torpor-bench-") as folder,
        daemon(TORPOR_AGENTS=folder) as running,
        running.client() as client,
    ):
        client.call("vm.getOrCreate", vm="vm")
        for kind in KINDS:
            edit = partial(_edit, client, Path(folder), kind, itertools.count())
            yield Figure(f"{kind}: from an edit to the next answer", timed(edit, RUNS), "ms")
            before = running.private_kib()
            for _ in range(LIVE):
                create(client, "vm", kind, {})
            used = (running.private_kib() - before) / 1024 / LIVE
            yield Figure(f"{kind}: private memory of a live session", [used], "MiB")
        yield Figure("echo: a session and its first answer", timed(lambda: _ask(client, "echo"), RUNS), "ms")


def _edit(client: Client, agents: Path, kind: str, numbers: Iterator[int]) -> None:
    entry, text, _ = KINDS[kind]
    (agents / kind).mkdir(exist_ok=True)
    (agents / kind / "agent.toml").write_text(MANIFEST.format(id=kind, kind=kind, entry=entry))
    answer = f"answer {next(numbers)}"
    (agents / kind / entry).write_text(text.replace("ANSWER", answer))
    assert _ask(client, kind) == answer


def _ask(client: Client, agent: str) -> str:
    """What a new session answers, which is closed again."""
    session = create(client, "vm", agent, {})
    answer: str = client.call("sendPrompt", vm="vm", sessionId=session, prompt="say x")["text"]
    client.call("closeSession", vm="vm", sessionId=session)
    return answer
