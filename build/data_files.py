"""Writes the data files of a command as one file and an index of what is where in it, as the base system of VMs has them."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from toolchain import BuildError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DATA = "files"
INDEX = "files.json"


def write_data(files: Mapping[str, Path], output: Path) -> None:
    """
    Writes data files, by their paths in VMs, one after another into the folder's DATA, and what is where into INDEX. Raises
    BuildError where a path stands for nothing.
    """
    index: dict[str, tuple[int, int, str]] = {}
    found = {
        f"{path}/{inner.relative_to(given).as_posix()}" if inner != given else path: inner
        for path, given in files.items()
        for inner in ([given] if given.is_file() else given.rglob("*"))
        if inner.is_file()
    }
    for path, given in files.items():
        if not any(name == path or name.startswith(f"{path}/") for name in found):
            msg = f"{path}: there is nothing in {given}"
            raise BuildError(msg)
    if not found:
        return
    with (output / DATA).open("wb") as file:
        for path, inner in sorted(found.items()):
            content = inner.read_bytes()
            mode = 0o755 if inner.stat().st_mode & 0o100 else 0o644
            index[path] = (len(content), mode, sha256(content).hexdigest())
            file.write(content)
    (output / INDEX).write_text(json.dumps(index))
