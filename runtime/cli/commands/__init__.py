"""The arguments of all commands, one module for each group of them; nothing of what they do is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.cli.commands import agents, daemon, files, forks, lists, portable, processes, testing, upkeep

if TYPE_CHECKING:
    from runtime.cli.table import Table

_GROUPS = (agents, daemon, lists, processes, files, forks, portable, testing, upkeep)


def register(table: Table) -> None:
    """Enter every command, in the order in which the help lists them."""
    for group in _GROUPS:
        group.register(table)
