"""The help of `torpor`: its commands under headings, those that a person begins with first."""

from __future__ import annotations

import argparse
from typing import Final

SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "talk to agents": ("chat", "run", "acp", "inspect", "permission"),
    "what was said": ("session", "sessions", "log", "events", "fork-session"),
    "agents": ("agents", "agent", "sdk", "test"),
    "VMs": ("vm", "vms", "sleep", "fork", "export", "import", "open"),
    "in a VM": ("exec", "shell", "ps", "kill", "wait", "fs", "snapshot", "bin"),
    "the daemon": ("status", "start", "stop", "restart", "serve", "logs", "keys", "context", "api", "relay"),
    "this installation": (
        "doctor",
        "salvage",
        "compile",
        "completions",
        "systemd",
        "man",
        "licenses",
        "version",
        "help",
    ),
}
"""Every command, once."""


class SectionsFormatter(argparse.RawDescriptionHelpFormatter):
    """Lists commands by `SECTIONS`."""

    def _format_action(self, action: argparse.Action) -> str:
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - who overrides this sees them
            return super()._format_action(action)
        lines = {each.dest: each for each in action._get_subactions()}  # noqa: SLF001 - as above
        parts = []
        for title, names in SECTIONS.items():
            parts.append(f"{'':{self._current_indent}}{title}\n")
            self._indent()
            parts += [self._format_action(lines[name]) for name in names]
            self._dedent()
            parts.append("\n")
        return "".join(parts)
