"""`torpor sdk`: what an agent of one's own is built with, as files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime.cli import exits, output

if TYPE_CHECKING:
    import argparse

_PARTS: Final = {"sdk": ".", "wit": "wit"}
"""Folders beside the built-in agents, and where they go."""


def run(args: argparse.Namespace) -> int:
    """Copy them, over what is there."""
    from runtime.vms.catalogue import built_in_directory  # noqa: PLC0415 - for this command alone

    source, target = built_in_directory(), Path(args.directory)
    try:
        for name, place in _PARTS.items():
            shutil.copytree(source / name, target / place, dirs_exist_ok=True, copy_function=shutil.copyfile)
    except shutil.Error as error:
        output.say(f"{target}: {error.args[0][0][2]}")
        return exits.FAILED
    except OSError as error:
        output.say(f"{error.filename2 or error.filename}: {error.strerror}")
        return exits.FAILED
    files = sorted(str(path) for path in target.rglob("*") if path.is_file())
    if args.json:
        output.write_json({"directory": str(target), "files": files})
    else:
        output.write_text(f"{target}: {len(files)} files\n")
    return exits.OK
