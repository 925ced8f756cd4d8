"""
Builds the TypeScript client and compiles its examples.

    python build/typescript.py [--check]

clients/typescript/src -> clients/typescript/dist, and docs/examples/typescript/*.ts -> docs/examples/typescript/dist. What is
up to date is left alone. `--check` also fails when the types that were generated from the API are stale.
"""

from __future__ import annotations

import os
import shutil
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import typescript_types
from freshness import fingerprint
from toolchain import ROOT, BuildError, Node, alone, find_node, run, say

if TYPE_CHECKING:
    from pathlib import Path

CLIENT: Final = ROOT / "clients" / "typescript"
EXAMPLES: Final = ROOT / "docs" / "examples" / "typescript"
TSC: Final = CLIENT / "node_modules" / "typescript" / "bin" / "tsc"

INSTALL_TIMEOUT_S: Final = 600
"""npm fetches four packages, 30 MB: on a slow line that takes a minute, beyond this it hangs."""


def environment(node: Node) -> dict[str, str]:
    """The environment of npm and of what it runs: scripts that look for `node` on the path."""
    return {**os.environ, "PATH": f"{node.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def install(node: Node) -> None:
    """Installs the compiler and Node's types by the lock file, unless they are there already. Raises BuildError."""
    lock_hash = sha256((CLIENT / "package-lock.json").read_bytes()).hexdigest()
    stamp = CLIENT / "node_modules" / ".torpor-installed"
    if stamp.is_file() and stamp.read_text() == lock_hash:
        return
    say("installing the TypeScript compiler (once; some seconds and 30 MB)")
    run([*node.npm, "ci"], cwd=CLIENT, environment=environment(node), timeout=INSTALL_TIMEOUT_S)
    stamp.write_text(lock_hash)


def compile_project(node: Node, folder: Path, *arguments: str | Path) -> None:
    """Compiles the TypeScript project in `folder`, strictly. Raises BuildError with what the compiler says."""
    run([node.node, TSC, "--project", folder / "tsconfig.json", *arguments], cwd=folder)


def build(node: Node, folder: Path, inputs: list[Path]) -> None:
    """Builds `folder`/dist unless it was built from these inputs. Raises BuildError."""
    wanted = fingerprint([*inputs, folder / "tsconfig.json", CLIENT / "package-lock.json"])
    stamp = folder / "dist" / ".inputs"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    shutil.rmtree(folder / "dist", ignore_errors=True)
    compile_project(node, folder)
    stamp.write_text(wanted)
    say(f"{folder.relative_to(ROOT)}: built")


def link_client() -> None:
    """Lets the examples import the client by its name, as `npm install` in their folder would."""
    link = EXAMPLES / "node_modules" / "torpor-client"
    if not link.exists():
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(CLIENT, link.parent))


def main(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    try:
        node = find_node()
        with alone(CLIENT / "node_modules"):
            install(node)
            build(node, CLIENT, [CLIENT / "src"])
            link_client()
            build(node, EXAMPLES, [CLIENT / "src", EXAMPLES])
        return typescript_types.main() if arguments else 0
    except BuildError as error:
        print(f"build/typescript.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
