"""`torpor chat` from the command line to the terminal and back."""

from __future__ import annotations

import os
import termios
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.finding import find_session, rows_of
from runtime.cli.mounts import parse_mounts
from runtime.cli.table import DEFAULT_VM, UsageError, environment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from runtime.cli.chat.conversation import Wanted
    from runtime.client.sync import Client

DEFAULT_AGENT: Final = "pi"

KEYS: Final = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY")
"""Variables with which pi reaches a model without any grant. A conversation gives it those that there are."""

NO_KEY: Final = f"""\
there is no key for a model in your environment: set one of {", ".join(KEYS)}, or name an agent, \
such as `torpor chat echo`, which needs none"""


def chat(args: argparse.Namespace) -> int:
    """Hold the conversation; return the exit code."""
    if not (os.isatty(0) and os.isatty(1)):
        raise UsageError("a conversation needs a terminal; `torpor run` takes a prompt from a pipe")
    if os.environ.get("TERM", "dumb") == "dumb":
        raise UsageError(
            "this terminal (TERM=dumb) has no prompt line; `torpor run AGENT --continue` goes on prompt by prompt"
        )
    env = given_environment(args)
    with quiet():
        return _hold(args, env)


def _hold(args: argparse.Namespace, env: dict[str, str]) -> int:
    loading = threading.Thread(target=_load)
    loading.start()  # while the daemon starts, or is reached
    try:
        with connect_to(args) as client:
            going_on = _session(client, args)
    finally:
        loading.join()

    import anyio

    from runtime.cli.chat.hold import hold

    return anyio.run(hold, args, _wanted(args, env, going_on))


@contextmanager
def quiet() -> Iterator[None]:
    """Have the terminal keep what is typed, and show none of it, until there is a prompt line; in the end it is as it was."""
    before = termios.tcgetattr(0)
    now = termios.tcgetattr(0)
    now[0] &= ~termios.ICRNL  # Enter is no Ctrl-J
    now[3] &= ~(termios.ECHO | termios.ICANON)
    try:
        termios.tcsetattr(0, termios.TCSANOW, now)
        yield
    finally:
        with suppress(termios.error):  # it may be gone
            termios.tcsetattr(0, termios.TCSANOW, before)


def given_environment(args: argparse.Namespace) -> dict[str, str]:
    """Return the agent's variables: what `--env` names, and for pi the keys that there are. Raises UsageError."""
    env = environment(args.env)
    if args.agent in (None, DEFAULT_AGENT) and not args.env and not args.session:
        env = {name: os.environ[name] for name in KEYS if os.environ.get(name)}
        if not env and args.agent is None and not args.last:
            raise UsageError(NO_KEY)
    return env


def _session(client: Client, args: argparse.Namespace) -> dict[str, Any] | None:
    """Return `vm`, `sessionId` and `agentType` of the session to go on with, None for a new one. Raises RpcError."""
    if args.session:
        found = find_session(client, args)
        return {**found, **client.call("getSession", **found)}
    if args.last:
        rows = rows_of(client, None if args.vm is None else [vm_name(args.vm)])
        rows = [row for row in rows if args.agent in (None, row["agentType"])]
        return max(rows, key=lambda row: int(row["updatedAt"]), default=None)
    return None


def _wanted(args: argparse.Namespace, env: dict[str, str], going_on: dict[str, Any] | None) -> Wanted:
    from runtime.cli.chat.conversation import Wanted

    vm_options: dict[str, Any] = {"network": {"allow": args.allow}} if args.allow else {}
    if mounts := parse_mounts(args.mount):
        vm_options["mounts"] = mounts
    if args.base:
        vm_options["base"] = args.base
    options = {"env": env or None, "cwd": args.cwd, "authMethod": args.auth_method, "elicitation": ["form", "url"]}
    settings: list[tuple[str, dict[str, Any]]] = []
    if args.model:
        settings.append(("setModel", {"value": args.model}))
    if args.mode:
        settings.append(("setMode", {"modeId": args.mode}))
    return Wanted(
        going_on["agentType"] if going_on else args.agent or DEFAULT_AGENT,
        going_on["vm"] if going_on else vm_name(args.vm or DEFAULT_VM),
        session=going_on["sessionId"] if going_on else None,
        vm_options=vm_options or None,
        options={name: value for name, value in options.items() if value is not None},
        settings=tuple(settings),
        yes=args.yes,
    )


def _load() -> None:
    import runtime.cli.chat.hold  # noqa: F401
