"""The system instructions of an agent: they describe the machine that it runs on.

They reach an agent in two ways, since agents differ in what they can read: the environment variable TORPOR_INSTRUCTIONS
holds the text for this session (base, tools and `additionalInstructions`), and the file /etc/torpor/instructions.md
(`FILE_TEXT`, read-only, put there by the VM) holds the part that is the same for all. `skipOsInstructions` drops the base
only: what the tools are, and what the client adds, is always kept.
"""

from __future__ import annotations

from typing import Final

from runtime.api.defaults import HOME

DIRECTORY: Final = "/etc/torpor"
PATH: Final = f"{DIRECTORY}/instructions.md"
VARIABLE: Final = "TORPOR_INSTRUCTIONS"

BASE: Final = f"""\
# The machine

You run in Torpor, in a virtual machine of your own. Its filesystem is private to it and lasts: files that you write are
still there in the next turn, after a restart, and next year. Your home is {HOME}. Other sessions of the same machine
see the same files, at once.

There is no network but to the hosts that you were granted; everything else is refused. You may be stopped between two
turns and started again later without noticing: keep what you need to remember in files.
"""

TOOLS: Final = """\
# Tools

Commands are the files in /bin; there is a shell where there is a /bin/sh. Processes that you start end with your session.
"""

FILE_TEXT: Final = f"{BASE}\n{TOOLS}"
"""The content of the file."""


def compose(additional: str | None, *, skip_base: bool) -> str:
    """The text of TORPOR_INSTRUCTIONS for one session."""
    parts = [] if skip_base else [BASE]
    parts.append(TOOLS)
    if additional:
        parts.append(additional)
    return "\n".join(parts)
