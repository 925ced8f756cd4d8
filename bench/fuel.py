"""What pi computes, in fuel: it counts a guest's instructions, so that a busy machine changes little of it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.harness import Figure, daemon, model, pi_options, pi_vm
from bench.sessions import create

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client.sync import Client

SESSIONS = 10
DELTA = 16
"""Characters of a text's delta, as the scripted model sends them unless a script says otherwise."""

DELTAS = 11
WRITTEN = 8000
ARGUMENTS_DELTA = 17


def fuel() -> Iterator[Figure]:
    """Fuel of pi, in millions: of a new session, and of turns. The model sends each event by itself, without a pause."""
    turns = {
        f"a first turn: text of {DELTAS} deltas": [_text(DELTAS)],
        f"text of {DELTAS} deltas": [_text(DELTAS)],
        f"write of {WRITTEN:,} bytes in deltas of {ARGUMENTS_DELTA}, and an answer": [_write(), _text(1)],
    }
    steps = [step for steps in turns.values() for step in steps] * SESSIONS
    created: list[float] = []
    used: dict[str, list[float]] = {name: [] for name in turns}
    with tempfile.TemporaryDirectory(prefix="torpor-bench-") as directory:
        script = Path(directory, "script.json")
        script.write_text(json.dumps(steps))
        with daemon() as running, model(script) as url, running.client() as client:
            vm = pi_vm(client, "pi", url)
            for _ in range(SESSIONS):
                before = _used(client, vm)
                session = create(client, vm, "pi", pi_options(url))
                created.append(_used(client, vm) - before)
                for name in turns:
                    before = _used(client, vm)
                    client.call("sendPrompt", vm=vm, sessionId=session, prompt="hello")
                    used[name].append(_used(client, vm) - before)
    yield Figure("fuel of createSession pi", created, "M")
    for name, values in used.items():
        yield Figure(f"fuel of pi, {name}", values, "M")


def _text(deltas: int) -> dict[str, Any]:
    return {"type": "turn", "blocks": [{"type": "text", "text": "y" * DELTA * deltas, "chunk": DELTA}]}


def _write() -> dict[str, Any]:
    given = {"path": "x", "content": "w" * WRITTEN}
    return {"type": "turn", "blocks": [{"type": "tool_use", "name": "write", "input": given, "chunk": ARGUMENTS_DELTA}]}


def _used(client: Client, vm: str) -> float:
    """Millions that the VM's guests have used."""
    used: int = client.call("vm.stats", vm=vm)["fuelUsed"]
    return used / 1e6
