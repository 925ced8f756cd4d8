"""Whether a build output still fits its inputs: by content, never by time stamps, which a checkout does not keep."""

from __future__ import annotations

import os
import shutil
import time
from hashlib import sha256
from typing import TYPE_CHECKING

from toolchain import ROOT, alone, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

SKIPPED = {"__pycache__", "node_modules", "dist"}


def fingerprint(inputs: Iterable[Path], *settings: str) -> str:
    """A digest of all files in `inputs` (folders with all below them) and of the `settings`."""
    digest = sha256()
    for setting in settings:
        digest.update(f"{setting}\n".encode())
    for path in sorted({file for given in inputs for file in _files(given)}):
        content = path.read_bytes()
        name = os.path.relpath(path, ROOT)  # an agent's folder may lie anywhere
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(path: Path) -> Iterable[Path]:
    if path.is_dir():
        for child in path.iterdir():
            if child.name not in SKIPPED:
                yield from _files(child)
    else:
        yield path


def build_if_stale(output: Path, wanted: str, build: Callable[[Path], None]) -> bool:
    """
    Builds `output`, a file or a folder, unless it was built from inputs with the fingerprint `wanted`; true if it built. Of
    several processes that want the same, one builds, and the others wait for it.

    `build` writes to the path that it is given, a neighbour of `output`, so that a failed or interrupted build leaves
    the old one as it was.
    """
    stamp = output.with_name(f".{output.name}.inputs")
    output.parent.mkdir(parents=True, exist_ok=True)
    with alone(stamp):
        if output.exists() and stamp.exists() and stamp.read_text() == wanted:
            return False
        unfinished = output.with_name(f".{output.name}.unfinished")
        started = time.monotonic()
        _remove(unfinished)  # of a build that was killed
        try:
            build(unfinished)
            stamp.unlink(missing_ok=True)
            if output.is_dir():
                shutil.rmtree(output)  # a folder takes no other's place
            unfinished.replace(output)
            stamp.write_text(wanted)
        finally:
            _remove(unfinished)
    size = sum(path.stat().st_size for path in _files(output))
    say(f"{output.name}: {size / 1024:,.0f} KiB in {time.monotonic() - started:.1f} s")
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
