"""
Builds the commands of VMs: commands/NAME/command.toml -> commands/dist/PROGRAM.wasm.

    python build/commands.py [NAME ...]

The user's cache keeps what is built by the content of all that goes into it; another checkout takes it from there. How one of
them is built: build/command.py, and build/javascript_commands.py.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import javascript_commands
from command import FOLDER, Command, Part, archives_of, build, read_commands
from data_files import DATA, INDEX
from freshness import build_if_stale
from python_packages import compile_packages, wanted
from sources import MissingSourcesError, cache_folder, fetch
from toolchain import BuildError, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

DIST = FOLDER / "dist"
PYTHON = "python3.wasm"
PACKAGES = "torpor-python"
"""What is compiled for it."""
AT_ONCE = 2
"""Commands: while one compiles on all processors, the other does what only one processor can work at."""
KEPT_DAYS = 30
"""Days that the cache keeps what no build has used: a change of the library leaves some 60 MB behind."""


def kept(command: Command) -> Path:
    """The folder in the cache for the command's components."""
    return cache_folder() / "commands" / _fingerprint(command) / f"{command.name}-{command.version}"


def _fingerprint(command: Command) -> str:
    javascript = javascript_commands.is_javascript(command)
    return javascript_commands.fingerprint_of(command) if javascript else command.fingerprint


def _build(command: Command, output: Path) -> None:
    (javascript_commands.build if javascript_commands.is_javascript(command) else build)(command, output)


def obtainable(chosen: Iterable[Command]) -> list[Command]:
    """Those whose sources can be had; which cannot is said."""
    there = []
    for command in chosen:
        try:
            fetch(archives_of([command]))
        except MissingSourcesError as error:
            print(f"build/commands.py: VMs go without {command.name} for now: {error}", file=sys.stderr)
        else:
            there.append(command)
    return there


def build_all(chosen: Sequence[Command]) -> None:
    """Builds these commands into commands/dist, with their manifest. Raises BuildError."""
    archives = fetch(archives_of(chosen))
    DIST.mkdir(parents=True, exist_ok=True)
    if new := [command.name for command in chosen if not kept(command).exists()]:
        say(f"building {', '.join(new)} from source (once; all of the commands take some 16 minutes of a processor)")
    # The largest first, so that none of them is built alone at the end.
    sizes = {name: path.stat().st_size for name, path in archives.items()}
    order = sorted(chosen, key=lambda one: sizes[one.archive.name] if one.archive else 0, reverse=True)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        building = [pool.submit(build_if_stale, kept(one), _fingerprint(one), partial(_build, one)) for one in order]
        try:
            for built in as_completed(building):
                built.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for command in chosen:
        components = kept(command)
        os.utime(components.parent)
        for program in command.programs:
            _copy(components / f"{program.name}.wasm", DIST / f"{program.name}.wasm")
        for name in (DATA, INDEX):
            if (components / name).exists():
                _copy(components / name, DIST / f"{command.name}.{name}")
        _copy(components / "LICENCE", licence_text(command))
        for part in command.parts:
            _copy(components / f"LICENCE-{part.name}", licence_text(command, part))
    _write_manifest()
    if (DIST / PYTHON).exists():
        _build_packages()
    forget_unused(time.time() - KEPT_DAYS * 86400)


def _build_packages() -> None:
    """Compiles Python's packages, for which VMs have Python already."""
    packages = cache_folder() / "commands" / wanted(DIST / PYTHON) / PACKAGES
    build_if_stale(packages, packages.parent.name, compile_packages)
    os.utime(packages.parent)
    for name in (DATA, INDEX):
        _copy(packages / name, DIST / f"{PACKAGES}.{name}")
    _write_manifest()


def forget_unused(since: float) -> None:
    """Removes what no checkout has asked the cache for since then."""
    for folder in (cache_folder() / "commands").glob("*"):
        if folder.stat().st_mtime < since:
            shutil.rmtree(folder, ignore_errors=True)


def licence_text(command: Command, part: Part | None = None) -> Path:
    """Where the text of the licence is of a command that has been built, or of a part of it."""
    return DIST / "licences" / (f"{command.name}-{part.name}" if part else command.name)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_bytes() != source.read_bytes():
        beside = target.with_name(f".{target.name}")  # a daemon that has the file open keeps what it has
        shutil.copyfile(source, beside)
        beside.replace(target)


def _write_manifest() -> None:
    """What is in the folder now, for the runtime."""
    components: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for name in (*(command.name for command in read_commands() if command.files), PACKAGES):
        files, index = (DIST / f"{name}.{kind}" for kind in (DATA, INDEX))
        if files.exists():
            digest = sha256(files.read_bytes()).hexdigest()
            data[files.name] = {"sha256": digest, "content": json.loads(index.read_text())}
    for command in read_commands():
        for program in command.programs:
            path = DIST / f"{program.name}.wasm"
            if path.exists():
                components[path.name] = {
                    "names": list(program.names),
                    "sha256": sha256(path.read_bytes()).hexdigest(),
                    "version": command.version,
                    "licence": command.licence,
                    "source": command.archive.name if command.archive else f"commands/{command.name}",
                }
    text = json.dumps({"commands": components, "files": data}, indent=2) + "\n"
    (DIST / "manifest.json").write_text(text)


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Builds the commands of VMs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="commands to build (default: all)")
    parser.add_argument(
        "--if-possible", action="store_true", help="go without those whose sources cannot be had, and say so"
    )
    options = parser.parse_args(arguments)
    try:
        chosen = read_commands(options.names)
        build_all(obtainable(chosen) if options.if_possible else chosen)
    except BuildError as error:
        print(f"build/commands.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
