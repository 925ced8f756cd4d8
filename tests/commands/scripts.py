"""Scripts that say the same in a VM as in the machine's bash, in text files: one a line, a here-document up to a line `.`."""

from __future__ import annotations

from pathlib import Path


def read(name: str) -> list[str]:
    """The scripts of a file of this folder."""
    found: list[str] = []
    lines = iter((Path(__file__).with_name(name)).read_text().splitlines())
    for line in lines:
        script = line
        while "<<END" in line and (more := next(lines)) != ".":
            script += f"\n{more}"
        found.append(script)
    return found
