"""Contexts: names for daemons elsewhere, and the one that commands work with.

The file is `contexts.json` in `$XDG_CONFIG_HOME/torpor`. It holds no token, only where one lies.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from runtime.cli.table import UsageError


class Context(NamedTuple):
    """What a name stands for."""

    address: str
    token_file: str | None


class Contexts(NamedTuple):
    """What the file holds."""

    contexts: dict[str, Context]
    current: str | None


def path() -> str:
    """Return where the file is."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser("~/.config"), "torpor", "contexts.json")  # noqa: PTH111, PTH117, PTH118 - read with each command


def read() -> Contexts:
    """Return what the file holds; nothing where there is none. Raises UsageError for one that cannot be used."""
    try:
        with open(path(), "rb") as file:  # noqa: PTH123 - as above
            text = file.read()
    except FileNotFoundError:
        return Contexts({}, None)
    import json

    try:
        held = json.loads(text)
        found = {name: Context(each["address"], each.get("tokenFile")) for name, each in held["contexts"].items()}
        return Contexts(found, held.get("current"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path()} is damaged; mend or remove it") from error


def write(contexts: dict[str, Context], current: str | None) -> None:
    """Put this into the file, in one step. Raises OSError."""
    import json
    from pathlib import Path

    from runtime.newfile import NewFile

    rows = {name: {"address": each.address, "tokenFile": each.token_file} for name, each in contexts.items()}
    place = Path(path())
    place.parent.mkdir(parents=True, exist_ok=True)
    with NewFile(place) as new:
        text = json.dumps({"contexts": rows, "current": current}, indent=2, ensure_ascii=False) + "\n"
        os.write(new.descriptor, text.encode())
        new.publish(replace=True)
