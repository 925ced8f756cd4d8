"""
Builds the single executable: dist/torpor-VERSION-linux-x86_64, with its SBOM and SHA-256 sums beside it.

    python build/dist.py [--level N]

PyInstaller collects the program into a folder; the built-in agents join it, compiled for any x86-64 processor of the last
fifteen years; all of it is packed behind the stub (build/stub/stub.c), which unpacks it once. `--level` is zstd's: lower is
quicker to build, and larger.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import client_packages
from dist_notices import check_complete, licence_texts, sbom, third_parties
from dist_stub import build_stub, pack, zstd_source
from toolchain import AGENTS, ROOT, BuildError, run, say
from wheel import copy_commands, copy_sdk

from runtime.engine import ArtefactCache
from runtime.posix.host import make_engine
from runtime.version import VERSION
from runtime.vms.agent_programs import ComponentRef
from runtime.vms.catalogue import Catalogue

if TYPE_CHECKING:
    from pathlib import Path

DIST = ROOT / "dist"
WORK = DIST / "work"

LEVEL = 16
"""16 takes two and a half times the time of 12, and gives 4 % fewer bytes, which keep the executable below 90 MB."""

PYINSTALLER_TIMEOUT_S = 600

ENVIRONMENT = {**os.environ, "PYTHONHASHSEED": "0"}
"""Sets are written to bytecode in the order of their hashes: the same sources shall give the same bytes."""


def collect() -> Path:
    """The program's folder, as PyInstaller makes it: `torpor` and `_internal`. Raises BuildError."""
    output = WORK / "folder"
    run(
        [
            *(sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN"),
            *("--distpath", output, "--workpath", WORK / "pyinstaller", ROOT / "build" / "torpor.spec"),
        ],
        environment=ENVIRONMENT,
        timeout=PYINSTALLER_TIMEOUT_S,
    )
    return output / "torpor"


def add_components(internal: Path) -> list[Path]:
    """
    Puts the built-in agents and commands into the folder, and what they compile to: these files, in an order in which what is
    alike is close together. A component's memory is in its machine code, too, and components of one engine have its code.

    Raises BuildError if an agent is not built.
    """
    agents, components = internal / "agents", internal / "components"
    compiled = ArtefactCache(WORK / "components")
    engine = make_engine(compiled, portable=True)
    components.mkdir()
    commands = internal / "commands" / "dist"
    shipped = {each.path.name: commands / each.path.name for each in copy_commands(commands)}
    for agent in Catalogue(AGENTS).list():
        if agent.problem or not isinstance(agent.program, ComponentRef):
            msg = f"agent {agent.id} has not been built: python build/components.py"
            raise BuildError(msg)
        manifest = agents / agent.id / "agent.toml"
        manifest.parent.mkdir(parents=True)
        shutil.copyfile(AGENTS / agent.id / "agent.toml", manifest)
        target = agents / "dist" / agent.program.path.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(agent.program.path, target)
        shipped[agent.id] = target
    compiles: dict[Path, list[str]] = {}
    for component, path in shipped.items():
        content = path.read_bytes()
        if not engine.is_cached(content):
            say(f"{component}: compiling {len(content) / 1e6:.1f} MB to machine code")
            engine.load_bytes(content)
        compiles[path] = engine.artefact_names(content)
        for name in compiles[path]:
            shutil.copyfile(compiled.directory / name, components / name)
    copy_sdk(agents)
    client_packages.build(agents / "clients")
    return [file for path in together(compiles) for file in (path, *(components / name for name in compiles[path]))]


def together(compiles: dict[Path, list[str]]) -> list[Path]:
    """Components in an order in which those follow each other that have modules in common, the largest of them first."""
    used = Counter(name for names in compiles.values() for name in names)
    common = {path: sorted(name for name in names if used[name] > 1) for path, names in compiles.items()}
    return sorted(compiles, key=lambda path: (common[path], -path.stat().st_size))


def write_sums(paths: list[Path]) -> None:
    """Writes SHA256SUMS as `sha256sum --check` reads it."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    (DIST / "SHA256SUMS").write_text("".join(lines))


def build(level: int) -> Path:
    """Builds everything; the executable. Raises BuildError."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        msg = "the executable is built on Linux on x86-64, for the same"
        raise BuildError(msg)
    WORK.mkdir(parents=True, exist_ok=True)
    stub = build_stub(WORK / "stub")
    say("collecting the program")
    folder = collect()
    alike = add_components(folder / "_internal")
    parts = third_parties(folder / "_internal", zstd_source(WORK / "stub"))
    check_complete(parts, WORK / "pyinstaller" / "torpor" / "PYZ-00.toc")
    (folder / "_internal" / "LICENSES.txt").write_text(licence_texts(parts), "utf-8")
    output = DIST / f"torpor-{VERSION}-linux-x86_64"
    say("packing")
    pack(stub, folder, output, VERSION, level, alike)
    bill = output.with_name(f"{output.name}.cdx.json")
    bill.write_text(json.dumps(sbom(parts, output), indent=2) + "\n", "utf-8")
    write_sums([output, bill])
    return output


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Builds the single executable.")
    parser.add_argument("--level", type=int, default=LEVEL, help=f"zstd's level of compression (default: {LEVEL})")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        output = build(options.level)
    except BuildError as error:
        print(f"build/dist.py: {error}", file=sys.stderr)
        return 1
    say(f"{output.relative_to(ROOT)}: {output.stat().st_size / 1e6:.1f} MB in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
