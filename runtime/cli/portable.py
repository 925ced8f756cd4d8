"""`torpor export` and `import`."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name

if TYPE_CHECKING:
    import argparse

    from runtime.client.sync import Client

PROGRESS_SECONDS: Final = 0.5  # nothing is shown of what takes less


def export(args: argparse.Namespace) -> int:
    """Export a VM."""
    path = os.path.abspath(args.path)  # noqa: PTH100 - resolve() would follow links
    with connect_to(args) as client:
        made = _call(client, "exporting", "vm.export", vm=vm_name(args.vm), path=path)
    if args.json:
        output.write_json(made)
    else:
        output.say(f"{path}: {made['bytes']} bytes")
        if mounts := made.get("mounts"):
            output.say(f"host directories are not in it: {', '.join(mounts)}")
    return exits.OK


def import_(args: argparse.Namespace) -> int:
    """Import a VM."""
    path = os.path.abspath(args.path)  # noqa: PTH100 - as above
    name = None if args.vm is None else vm_name(args.vm)
    with connect_to(args) as client:
        made = _call(client, "importing", "vm.import", path=path, vm=name, trust=args.trust or None)
    if args.json:
        output.write_json(made)
    else:
        output.say(f"VM {output.vm_label(made['vm'])} is there, asleep")
    return exits.OK


def _call(client: Client, doing: str, method: str, /, **params: Any) -> Any:
    """Call, and on a terminal tell for how long it has been going on."""
    pending = client.start(method, **params)
    if not sys.stderr.isatty():
        client.wait(pending)
        return pending.result()
    started, shown = time.monotonic(), False
    while not client.wait(pending, PROGRESS_SECONDS):
        sys.stderr.write(f"\r{doing}: {time.monotonic() - started:.0f} s")
        sys.stderr.flush()
        shown = True
    if shown:
        sys.stderr.write("\r\033[K")
    return pending.result()
