"""`vm prune`: VMs that `torpor acp` has made for the workspaces of editors, and nobody has used for long."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from runtime.cli import exits, output
from runtime.cli.acp.workspaces import LABEL
from runtime.cli.asking import confirmed
from runtime.cli.connecting import connect_to
from runtime.cli.finding import at_once
from runtime.cli.table import UsageError

if TYPE_CHECKING:
    import argparse

UNITS: Final = {"d": 86400, "h": 3600, "min": 60}
"""Seconds."""

_AGE: Final = re.compile(r"(\d{1,9})(d|h|min)", re.ASCII)


def prune(args: argparse.Namespace) -> int:
    """Remove them, after a question."""
    before = (time.time() - _seconds(args.older_than)) * 1000
    with connect_to(args) as client:
        listed = [row for row in client.call("vm.list") if _is_left(row, before)]
        stats = at_once(client, [("vm.stats", {"vm": row["vm"]}) for row in listed])
        held = [(row, each) for row, each in zip(listed, stats, strict=True) if each]
        found = [row for row, _ in held]
        if not args.json:
            rows = [_row(row, each) for row, each in held]
            output.write_table(("VM", "LAST USED", "SESSIONS", "SIZE", "WORKSPACE"), rows)
            sys.stdout.flush()
        if (
            found
            and not args.dry_run
            and not confirmed(args, f"Remove {len(found)} VMs with their sessions and files?")
        ):
            return exits.FAILED
        for row in found:
            if not args.dry_run:
                (now,) = at_once(client, [("vm.get", {"vm": row["vm"]})])  # a question may wait for long
                if now is None or not _is_left(now, before):
                    output.say(f"VM {output.vm_label(row['vm'])} is left alone: somebody used or removed it meanwhile")
                    continue
                client.call("vm.destroy", vm=row["vm"])
            if args.json:
                output.write_json({"vm": row["vm"], "updatedAt": row["updatedAt"], "removed": not args.dry_run})
    if not found and not args.json:
        output.say(f"no VM of an editor was last used more than {args.older_than} ago")
    return exits.OK


def _is_left(row: dict[str, Any], before: float) -> bool:
    labels = (row["options"] or {}).get("labels") or {}
    return LABEL in labels and row["state"] == "asleep" and row["updatedAt"] <= before


def _row(row: dict[str, Any], stats: dict[str, Any]) -> tuple[str, ...]:
    used = str(stats["sessions"]["total"]), output.size(stats["files"]["bytes"] + stats["eventBytes"])
    return output.vm_label(row["vm"]), output.local_time(row["updatedAt"]), *used, row["options"]["labels"][LABEL]


def _seconds(text: str) -> int:
    found = _AGE.fullmatch(text)
    if found is None:
        raise UsageError(f"--older-than {text}: a number with d, h or min is expected, as 30d")
    return int(found[1]) * UNITS[found[2]]
