"""
Builds the page of `torpor inspect`: clients/inspect -> runtime/inspector/page.

    python build/inspector.py

What is up to date is left alone. The types of the API are those of the TypeScript client, and the page is checked against them.
"""

from __future__ import annotations

import gzip
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from freshness import build_if_stale, fingerprint
from toolchain import ROOT, BuildError, Node, alone, find_node, run, say
from typescript import INSTALL_TIMEOUT_S, environment

if TYPE_CHECKING:
    from pathlib import Path

SOURCE: Final = ROOT / "clients" / "inspect"
API: Final = ROOT / "clients" / "typescript" / "src" / "generated.ts"
PAGE: Final = ROOT / "runtime" / "inspector" / "page"
MODULES: Final = SOURCE / "node_modules"

PACKED_ALREADY: Final = {".woff2"}
MAX_PACKED: Final = 400_000
"""Bytes of the page, each file compressed as far as it is not yet: what it may add to the executable."""


def install(node: Node) -> None:
    """Installs the packages of the lock file, unless they are there already. Raises BuildError."""
    lock_hash = sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    stamp = MODULES / ".torpor-installed"
    if stamp.is_file() and stamp.read_text() == lock_hash:
        return
    say("installing what the page is built with (once; some seconds and 60 MB)")
    # No package runs anything: esbuild's own step only checks what npm has brought.
    run(
        [*node.npm, "ci", "--ignore-scripts"],
        cwd=SOURCE,
        environment=environment(node),
        timeout=INSTALL_TIMEOUT_S,
    )
    stamp.write_text(lock_hash)


def packed(folder: Path) -> int:
    """What the files in a folder come to, compressed each for itself."""
    contents = [(path.suffix, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]
    return sum(len(content if suffix in PACKED_ALREADY else gzip.compress(content)) for suffix, content in contents)


def build(node: Node, output: Path) -> None:
    """Checks the types and bundles the page into `output`. Raises BuildError."""
    install(node)
    run([node.node, MODULES / "typescript" / "bin" / "tsc", "--project", SOURCE], cwd=SOURCE)
    vite: list[str | Path] = [node.node, MODULES / "vite" / "bin" / "vite.js", "build", "--logLevel", "warn"]
    run([*vite, "--outDir", output, "--emptyOutDir"], cwd=SOURCE, environment=environment(node))
    size = packed(output)
    if size > MAX_PACKED:
        msg = f"the page has {size:,} bytes compressed, and may have {MAX_PACKED:,}"
        raise BuildError(msg)
    say(f"the page has {size:,} bytes compressed")


def main(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    if arguments:
        print(__doc__)
        return 2
    wanted = fingerprint([SOURCE, API, ROOT / "build" / "inspector.py"])
    try:
        node = find_node()
        MODULES.mkdir(exist_ok=True)
        with alone(MODULES / ".torpor-installed"):
            build_if_stale(PAGE, wanted, lambda output: build(node, output))
    except BuildError as error:
        print(f"build/inspector.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
