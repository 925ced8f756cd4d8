"""`python -m bench [ROW ...]`: each row on a daemon of its own, one after another; the method is the row's first line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench import (
    calls,
    cases,
    durability,
    edits,
    executable,
    fuel,
    guests,
    holds,
    lives,
    peer,
    sessions,
    shell,
    toolbox,
)
from bench.harness import Figure, Skipped, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS: dict[str, Callable[[], Iterator[Figure]]] = {
    "start": sessions.start_and_prompt,
    "fuel": fuel.fuel,
    "instantiate": lives.instantiate,
    "load": lives.load,
    "first": lives.first,
    "memory": sessions.memory,
    "files": guests.files,
    "calls": calls.calls,
    "commands": guests.commands,
    "shell": shell.shell,
    "git": toolbox.git,
    "python": toolbox.python,
    "edits": edits.edits,
    "holds": holds.holds,
    "wake": durability.wake,
    "resume": durability.resume,
    "events": durability.events,
    "promises": durability.promises,
    "turns": sessions.turns,
    "loop": guests.loop,
    "cases": cases.cases,
    "executable": executable.executable,
    "peer": peer.peer,
}

MORE: dict[str, Callable[[], Iterator[Figure]]] = {"guests1000": lives.guests1000}
"""Only when asked for by name."""


def main(chosen: list[str]) -> int:
    """Run the rows named, or all but those that are long."""
    known = ROWS | MORE
    if unknown := set(chosen) - set(known):
        print(f"unknown rows: {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    print(f"Torpor's benchmarks: medians; {machine()}")
    for name in chosen or ROWS:
        row = known[name]
        print(f"\n[{name}] {(row.__doc__ or '').strip()}")
        try:
            for figure in row():
                print(f"  {figure}", flush=True)
        except Skipped as reason:
            print(f"  skipped: {reason}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
