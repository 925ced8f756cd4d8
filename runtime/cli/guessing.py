"""What may have been meant by a name that nothing has: of a failure that is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.api.endpoint import UnixEndpoint
from runtime.api.names import joined
from runtime.cli.elsewhere import place_of
from runtime.cli.parsers import similar
from runtime.client.errors import ClientError
from runtime.client.greeting import greet

if TYPE_CHECKING:
    import argparse

    from runtime.client.errors import RpcError


def meant(error: RpcError, args: argparse.Namespace) -> str:
    """Return what may have been meant by the name of a VM that is none, as the end of a message."""
    name = error.data.get("vm") if isinstance(error.data, dict) else None
    if error.name != "vm_not_found" or not isinstance(name, str) or hasattr(args, "opened"):  # a file has no daemon
        return ""
    try:
        place = place_of(args)
        if not isinstance(place, UnixEndpoint):  # another connection would take long
            return ""
        with greet(place.path)[0] as client:
            found = similar(name, [joined(row["vm"]) for row in client.call("vm.list")])
    except (ClientError, OSError):
        return ""
    return f"; did you mean {found}?" if found else ""
