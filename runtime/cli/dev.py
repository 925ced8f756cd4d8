"""`agent dev`: an agent is prompted anew at each edit."""

from __future__ import annotations

import os
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runtime.api.events import AGENT_STDERR, SESSION_EVENT
from runtime.cli import exits, output
from runtime.cli.connecting import connect_to
from runtime.cli.dependencies import LOCK, install
from runtime.cli.prompting import Run
from runtime.cli.table import environment
from runtime.client.sync import RpcError
from runtime.vms.agent_programs import INTERPRETERS
from runtime.vms.catalogue import MANIFEST

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from runtime.client.sync import Client, Notification

LOOK: Final = 0.2
"""Seconds between two looks at the files: less than it takes to turn to another window."""

SKIPPED: Final = frozenset({"__pycache__", "node_modules", LOCK, *(each.packages for each in INTERPRETERS.values())})
"""What tools write, `install` among them."""

Files = dict[str, tuple[int, int]]


class DevRun(Run):
    """One prompt in a session of its own, with what the agent says on stderr."""

    def __init__(self, client: Client, args: argparse.Namespace, env: dict[str, str]) -> None:
        super().__init__(client, args, env)
        self._last_seq = -1  # from before the prompt, too

    def _show(self, notification: Notification) -> None:
        event = notification.params.get("event") or {}
        if notification.method == SESSION_EVENT and event["method"] == AGENT_STDERR and not self._args.json:
            for line in event["params"]["text"].splitlines():
                self._note(f"| {line}")
        super()._show(notification)


def dev(args: argparse.Namespace) -> int:
    """Prompt the agent at each edit until Ctrl-C; return the exit code of the last prompt."""
    folder, env, added, code = Path(args.path).absolute(), environment(args.env), False, exits.OK
    before = files(folder)
    with connect_to(args) as client:
        while True:
            try:
                if not added:
                    install(client, folder, args.index_url)
                    made = _add(client, folder)
                    args.agent, added = made["id"], made["kind"] != "component"  # a component is copied
                code = _prompt(client, args, env)
            except RpcError as error:
                output.report(error)
                code = exits.FAILED
            except OSError as error:
                output.say(str(error))
                code = exits.FAILED
            if code == exits.INTERRUPTED:
                return code
            try:
                output.say("waiting for an edit; Ctrl-C ends")
                now = edited(folder, before)
            except KeyboardInterrupt:
                return code
            changed = {os.path.relpath(path, folder) for path in {*before, *now} if before.get(path) != now.get(path)}
            added = added and MANIFEST not in changed
            for path in sorted(changed):
                output.say(f"{path} has changed")
            before = now


def _prompt(client: Client, args: argparse.Namespace, env: dict[str, str]) -> int:
    try:
        return DevRun(client, args, env).go(args.prompt)
    finally:
        sys.stdout.flush()


def _add(client: Client, folder: Path) -> dict[str, Any]:
    """The agent as `listAgents` has it, which is added unless it lies where Torpor looks for agents."""
    try:
        made: dict[str, Any] = client.call("addAgent", path=str(folder))
    except RpcError as error:
        if error.name != "exists":
            raise
        name = tomllib.loads((folder / MANIFEST).read_text("utf-8"))["id"]
        found = [agent for agent in client.call("listAgents") if agent["id"] == name and not agent["problem"]]
        if not found or not folder.samefile(error.data["path"]):
            raise
        made = found[0]
    return made


def edited(folder: Path, before: Files) -> Files:
    """Wait until the files are others, and the same at two looks: nothing is half written then. Return them."""
    last = before
    while (now := files(folder)) == before or now != last:
        last = now
        time.sleep(LOOK)
    return now


def files(folder: Path) -> Files:
    """When each file was changed, and its size, by its path."""
    return {path: (status.st_mtime_ns, status.st_size) for path, status in _walk(str(folder))}


def _walk(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = [*os.scandir(folder)]
    except OSError:  # it goes just now
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in SKIPPED:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
            continue
        try:
            yield entry.path, entry.stat()
        except OSError:
            continue
