"""
Builds the wheel, dist/torpor-VERSION-py3-none-any.whl: the packages, the built-in agents, the guest SDK, and the clients'
packages.

    python build/wheel.py [DIR]

It is built from a copy, since setuptools would use this very folder for its own work. DIR is where it goes, `dist` if
none is given.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import client_packages
from dist_notices import command_parts, licence_texts, npm_parts
from toolchain import AGENTS, COMMANDS, ROOT, BuildError, run, say

from runtime.cli.main import parser
from runtime.cli.manual import page
from runtime.vms.agent_programs import ComponentRef
from runtime.vms.base import built_in_components, built_in_data
from runtime.vms.base.commands import MANIFEST, ComponentContent
from runtime.vms.catalogue import Catalogue

FILES = ("pyproject.toml", "README.md", "LICENSE")
PACKAGES = ("runtime", "wasi_fs", "torpor")
SDK = ("sdk", "wit")
"""What `torpor sdk` copies, of agents/."""

NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "node_modules", "dist")
"""What tools leave in folders of sources: dist has what the libraries of the SDK were compiled to."""

TIMEOUT_S = 300
"""setuptools takes seconds; beyond this it hangs."""


def copy(target: Path) -> None:
    """Puts together what the wheel is made of. Raises BuildError if an agent is not built."""
    for name in FILES:
        shutil.copyfile(ROOT / name, target / name)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, target / name, ignore=NOT_SHIPPED)
    agents = target / "runtime" / "agents"
    for agent in Catalogue(AGENTS).list():
        if agent.problem or not isinstance(agent.program, ComponentRef):
            msg = f"agent {agent.id} has not been built: python build/components.py"
            raise BuildError(msg)
        (agents / agent.id).mkdir(parents=True)
        shutil.copyfile(AGENTS / agent.id / "agent.toml", agents / agent.id / "agent.toml")
        (agents / "dist").mkdir(exist_ok=True)
        shutil.copyfile(agent.program.path, agents / "dist" / agent.program.path.name)
    copy_commands(target / "runtime" / "commands")
    copy_sdk(agents)
    client_packages.build(agents / "clients")
    (target / "man").mkdir()
    (target / "man" / "torpor.1").write_text(page(parser()), "utf-8")
    (agents / "LICENSES.txt").write_text(licence_texts([*npm_parts(), *command_parts()]), "utf-8")


def copy_sdk(target: Path) -> None:
    """Puts what agents and programs are built with into the folder, for `torpor sdk`."""
    for name in SDK:
        shutil.copytree(AGENTS / name, target / name, ignore=NOT_SHIPPED)


def copy_commands(target: Path) -> list[ComponentContent]:
    """Puts what the manifest of the commands names, and that, into the new folder; what it was.

    Nothing where none have been built.
    """
    target.mkdir(parents=True)
    manifest = COMMANDS / "dist" / MANIFEST
    if manifest.is_file():
        shutil.copyfile(manifest, target / MANIFEST)
    components = built_in_components()
    for path in (*(component.path for component in components), *built_in_data()):
        shutil.copyfile(path, target / path.name)
    return components


def build(output: Path) -> Path:
    """Builds the wheel into the folder `output`; its path. Raises BuildError."""
    with tempfile.TemporaryDirectory(prefix="torpor-wheel-") as directory:
        sources, made = Path(directory) / "sources", Path(directory) / "made"
        sources.mkdir()
        copy(sources)
        # Without isolation: it is the setuptools of requirements.lock that builds, not the newest there is.
        pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
        run([*pip, "--wheel-dir", made, sources], timeout=TIMEOUT_S)
        (wheel,) = made.glob("*.whl")
        output.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(wheel, output / wheel.name))


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Builds the wheel.")
    parser.add_argument("output", nargs="?", metavar="DIR", type=Path, default=ROOT / "dist", help="where it goes")
    options = parser.parse_args(arguments)
    try:
        wheel = build(options.output)
    except BuildError as error:
        print(f"build/wheel.py: {error}", file=sys.stderr)
        return 1
    say(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
