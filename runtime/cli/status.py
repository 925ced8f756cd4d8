"""`torpor status`: what the daemon tells of itself."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from runtime.api.endpoint import socket_path
from runtime.cli import exits, output
from runtime.cli.connecting import greet
from runtime.cli.serve import state_path
from runtime.client.sync import ConnectError
from runtime.version import VERSION

if TYPE_CHECKING:
    import argparse


def run(args: argparse.Namespace) -> int:
    """Print it; exit with NO_DAEMON when none runs."""
    path = socket_path(args.socket)
    try:
        client, _ = greet(path)
    except ConnectError as error:
        state = os.fspath(state_path(None))
        if args.json:
            shown = {"running": False, "socket": os.fspath(path), "state": state, "stateBytes": state_bytes(state)}
            output.write_json({**shown, "reason": error.reason})
        else:
            output.say(f"{error}; whatever needs one starts it, and `torpor serve` does so in the foreground")
        return exits.NO_DAEMON
    with client:
        found = client.call("daemon.status")
    found["stateBytes"] = state_bytes(found["state"])
    found["uptimeSeconds"] = max(0, int(time.time() - found["startedAt"] / 1000))
    if args.json:
        output.write_json({"running": True, **found})
    else:
        for name, value in _rows(found):
            sys.stdout.write(f"{name:<12}{output.one_line(value)}\n")
    if found["version"] != VERSION:
        output.say(
            f"the daemon is torpor {found['version']}, this program torpor {VERSION}: `torpor restart` replaces it"
        )
    return exits.OK


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("daemon", f"torpor {found['version']}, process {found['pid']}, up {duration(found['uptimeSeconds'])}"),
        ("socket", found["socket"] + (" (held by systemd)" if found.get("activated") else "")),
        ("state", f"{found['state']} ({size(found['stateBytes'])})"),
        *([("durability", found["durability"])] if "durability" in found else []),  # an older daemon does not tell
        ("log", str(found.get("log"))),
        ("VMs", f"{found['awake']} awake, {found['vms'] - found['awake']} asleep"),
        ("sessions", f"{found['sessions']} live, in {found['processes']} processes"),
        ("clients", f"{found['connections'] - 1} besides this one"),
    ]
    if found["http"] is not None:
        rows.insert(2, ("HTTP", found["http"]))
    if found.get("memoryBytes") is not None:  # an older daemon does not tell
        rows.append(("memory", f"{size(found['memoryBytes'])}, all guests included"))
    if found.get("maxMemoryBytes") is not None:
        rows.append(("max memory", f"{size(found['maxMemoryBytes'])}: above it no other guest starts"))
    if found.get("idleExitSeconds") is not None:
        rows.append(("idle exit", f"after {duration(int(found['idleExitSeconds']))}"))
    return rows


def state_bytes(state: str) -> int | None:
    """Return the size of the state file with its log; None when there is none."""
    total = None
    for name in (state, state + "-wal"):
        try:
            total = (total or 0) + os.stat(name).st_size  # noqa: PTH116 - a name, not a Path
        except OSError:
            continue
    return total


def size(count: int | None) -> str:
    """Return a number of bytes for people."""
    if count is None:
        return "unknown"
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 - the step between units
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def duration(seconds: int) -> str:
    """Return a time span for people, in its two largest units."""
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
