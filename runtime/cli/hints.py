"""What a failure is told with: commands in the place of the API's methods."""

from __future__ import annotations

import re
from typing import Final

from runtime.cli.uses import USES

_METHOD: Final = re.compile(r"(?<![\w./-])[a-z]+(?:\.[a-zA-Z]+|[A-Z][A-Za-z]*)(?![\w/-]|\.\w)")
"""What may be a method's name, and is no word of English, nor in a path: people have files called readFile.ts."""


def in_commands(message: str) -> str:
    """Return a message of the API with commands where it names methods, as far as these have one."""
    commands: dict[str, str] = {}
    for words, use in USES.items():
        if use.methods:
            commands.setdefault(use.methods[0], f"`torpor {words}`")
    return _METHOD.sub(lambda found: commands.get(found[0], found[0]), message)
