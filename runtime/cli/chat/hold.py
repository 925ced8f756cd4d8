"""The tasks of a conversation: the client, the session, the terminal. Of its commands `chat` alone loads what is here."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from runtime.api.endpoint import EndpointError, HttpEndpoint, UnixEndpoint
from runtime.cli import exits, output
from runtime.cli.chat.conversation import Conversation
from runtime.cli.chat.keys import Keys
from runtime.cli.chat.paint import Painter
from runtime.cli.chat.screen import Screen, terminal
from runtime.cli.connecting import connect_to
from runtime.cli.elsewhere import place_of
from runtime.cli.table import UsageError
from runtime.client.client import connect
from runtime.client.errors import ClientError

if TYPE_CHECKING:
    import argparse

    from runtime.cli.chat.conversation import Wanted

MAX_HISTORY: Final = 256 * 1024
"""Bytes of the file with what was typed: some thousand prompts. A longer one is cut to its last half."""

AWAY_SECONDS: Final = 1.0
"""How long a daemon that went away may take to be back before one is started: a restart is faster."""


async def hold(args: argparse.Namespace, wanted: Wanted) -> int:
    """Hold the conversation; return the exit code. Raises ClientError, EndpointError when it cannot begin."""
    screen = Screen(Painter(), history_file(), terminal())
    screen.app.key_bindings = Keys(screen).bindings
    failure: Exception | None = None
    place, token = _place(args)
    async with connect(place, token=token, patience=math.inf) as client, anyio.create_task_group() as tasks:
        conversation = Conversation(client, wanted, tasks, screen.changed)

        async def converse() -> None:
            nonlocal failure
            try:
                await conversation.run()
            except (ClientError, EndpointError) as error:
                failure = error
                conversation.leave()

        async def bring_back(_: object) -> None:
            await anyio.sleep(AWAY_SECONDS)
            if conversation.is_lost and not args.no_start:
                await anyio.to_thread.run_sync(_start, args)

        client.on("disconnected", bring_back)
        tasks.start_soon(converse)
        tasks.start_soon(anyio.to_thread.run_sync, _load_markdown)
        await screen.run(conversation, tasks)
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if conversation.session_id:
        if conversation.is_busy:
            output.say("the turn goes on by itself")
        output.say(f"`torpor chat --session {conversation.session_id}` goes on")
    return exits.OK


def history_file() -> Path | None:
    """Return the file with what was typed, for its owner alone, and not too long; None where there can be none."""
    state = os.environ.get("XDG_STATE_HOME")
    path = (Path(state) if state else Path.home() / ".local" / "state") / "torpor" / "chat_history"
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
            if file.seek(0, os.SEEK_END) > MAX_HISTORY:
                file.seek(-MAX_HISTORY // 2, os.SEEK_END)
                _, _, kept = file.read().partition(b"\n\n")  # entries are parted so
                file.seek(0)
                file.truncate()
                file.write(b"\n" + kept)
    except OSError:
        return None
    return path


def _load_markdown() -> None:
    """Have what answers are rendered with, before there is one: the prompt line does not wait for it."""
    import runtime.cli.chat.markdown  # noqa: F401


def _place(args: argparse.Namespace) -> tuple[str, str | None]:
    """Return where the daemon is, as the client takes it, and the token for it. Raises UsageError."""
    place = place_of(args)
    if isinstance(place, UnixEndpoint):
        return str(place.path), None
    if isinstance(place, HttpEndpoint):
        return str(place), place.token
    raise UsageError(f"a conversation does not go by ssh: `ssh -t {place.host} torpor chat` holds it there")


def _start(args: argparse.Namespace) -> None:
    """Have a daemon again, if there is none: the client finds it."""
    try:
        connect_to(args).close()
    except (ClientError, EndpointError):
        return  # it tries again, and so does whoever is at the terminal
