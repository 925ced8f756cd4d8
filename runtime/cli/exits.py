"""The exit codes: the one table that the command, its help, the documentation and the tests use."""

from __future__ import annotations

from typing import Final

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NO_DAEMON: Final = 3
AGENT_FAILED: Final = 4
NOT_FINISHED: Final = 5
ALREADY_RUNNING: Final = 6
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

EXITS: Final = (
    (OK, "success; of `run`: the agent ended its turn"),
    (FAILED, "the daemon reported a failure, or a local file could not be read or written"),
    (USAGE, "the command line is wrong"),
    (NO_DAEMON, "no daemon answers, none could be started, it speaks another protocol, or it went away"),
    (AGENT_FAILED, "the agent failed: it crashed, could not start, or reported an error"),
    (NOT_FINISHED, "the turn ended otherwise: refusal, max_tokens, max_turn_requests, cancelled"),
    (ALREADY_RUNNING, "of `serve`: another daemon has the state file or the socket"),
    (INTERRUPTED, "interrupted (Ctrl-C); a running prompt was cancelled"),
    (BROKEN_PIPE, "whoever read the output has gone; a running prompt goes on"),
)

AGENT_ERRORS: Final = frozenset({"agent_failed", "agent_error", "authentication_required"})
"""Errors of the API (`error.data.code`) that are the agent's fault."""


def as_text() -> str:
    """Return the table as lines for a help text."""
    return "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXITS)
