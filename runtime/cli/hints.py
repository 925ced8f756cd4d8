"""What a failure is told with: commands in the place of the API's methods, and what may have been meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runtime.cli.parsers import similar
from runtime.cli.uses import USES

if TYPE_CHECKING:
    import argparse

    from runtime.client.errors import RpcError

_METHOD: Final = re.compile(r"\b[a-z]+(?:\.[a-zA-Z]+|[A-Z][A-Za-z]*)\b")
"""What may be a method's name, and is no word of English."""


def in_commands(message: str) -> str:
    """Return a message of the API with commands where it names methods, as far as these have one."""
    commands: dict[str, str] = {}
    for words, use in USES.items():
        if use.methods:
            commands.setdefault(use.methods[0], f"`torpor {words}`")
    return _METHOD.sub(lambda found: commands.get(found[0], found[0]), message)


def meant(error: RpcError, args: argparse.Namespace) -> str:
    """Return what may have been meant by the name of a VM that is none, as the end of a message."""
    from runtime.api.endpoint import socket_path
    from runtime.api.names import joined
    from runtime.client.errors import ClientError
    from runtime.client.greeting import greet

    name = error.data.get("vm") if isinstance(error.data, dict) else None
    if error.name != "vm_not_found" or not isinstance(name, str):
        return ""
    try:
        with greet(socket_path(args.socket))[0] as client:
            found = similar(name, [joined(row["vm"]) for row in client.call("vm.list")])
    except (ClientError, OSError):
        return ""
    return f"; did you mean {found}?" if found else ""
