"""
Builds the test programs: tests/guests/src/NAME.c or NAME.wat -> tests/guests/dist/NAME.wasm.

    python build/guests.py [NAME ...]

C programs become components through the preview 1 adapter; those that include "wasi.h" import WASI 0.2 by hand, and those that
include "bare.h" import torpor:posix/sys and nothing else. Besides, `truncated` is a component of which the second half is
missing. Only what has changed is built.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from components import WASM_TOOLS, build_c, installed_node
from freshness import build_if_stale, fingerprint
from toolchain import AGENTS, ROOT, WIT, BuildError, python_tool, run, say

SOURCES = ROOT / "tests" / "guests" / "src"
DIST = ROOT / "tests" / "guests" / "dist"
SCRIPTS = Path(__file__).resolve().parent
TRUNCATED = "truncated"
ZIGLANG = "ziglang==0.17.1"
BARE = (
    "cc",
    "--target=wasm32-freestanding",
    "-std=gnu17",
    "-Os",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-nostdlib",
    "-Wl,--no-entry",
)


def build_program(source: Path, output: Path) -> None:
    """Compiles a C program into a component. Raises BuildError."""
    if '#include "bare.h"' in source.read_text():
        build_bare(source, output)
        return
    by_hand = any(f'#include "{header}"' in source.read_text() for header in ("wasi.h", "http.h"))
    build_c(source, output, embed="everything" if by_hand else None)


def build_bare(source: Path, output: Path) -> None:
    """Compiles a C program without a library into a component that is a POSIX process. Raises BuildError."""
    core = output.with_suffix(".core")
    wasm_tools = python_tool("wasm-tools", WASM_TOOLS)
    try:
        run([sys.executable, "-m", "ziglang", *BARE, "-o", core, source])
        run([wasm_tools, "component", "embed", WIT, "--world", "posix", core, "-o", core])
        run([wasm_tools, "component", "new", core, "-o", output])
    finally:
        core.unlink(missing_ok=True)


def build_wat(source: Path, output: Path) -> None:
    """Translates the text format. Raises BuildError."""
    run([python_tool("wasm-tools", WASM_TOOLS), "parse", source, "-o", output])


def build_truncated(whole: Path, output: Path) -> None:
    """The first half of a component."""
    content = whole.read_bytes()
    output.write_bytes(content[: len(content) // 2])


def build_all(names: list[str]) -> int:
    """Builds these programs, or all; the number of those that needed it. Raises BuildError."""
    sources = {path.stem: path for pattern in ("*.c", "*.wat") for path in sorted(SOURCES.glob(pattern))}
    unknown = set(names) - sources.keys() - {TRUNCATED}
    if unknown:
        msg = f"no such program: {', '.join(sorted(unknown))}"
        raise BuildError(msg)
    installed_node()
    shared = [*SOURCES.glob("*.h"), WIT, SCRIPTS / "guests.py", SCRIPTS / "components.py", AGENTS / "package-lock.json"]
    built = 0
    for name, source in sources.items():
        if names and name not in names and TRUNCATED not in names:
            continue
        build = partial(build_program if source.suffix == ".c" else build_wat, source)
        wanted = fingerprint([source, *shared], ZIGLANG, WASM_TOOLS)
        built += build_if_stale(DIST / f"{name}.wasm", wanted, build)
    if not names or TRUNCATED in names:
        whole = DIST / "args_env.wasm"
        built += build_if_stale(DIST / f"{TRUNCATED}.wasm", fingerprint([whole]), partial(build_truncated, whole))
    return built


def main(arguments: list[str]) -> int:
    """Runs the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Builds the test programs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="programs to build (default: all)")
    options = parser.parse_args(arguments)
    try:
        built = build_all(options.names)
    except BuildError as error:
        print(f"build/guests.py: {error}", file=sys.stderr)
        return 1
    say(f"test programs: {built} built" if built else "test programs: up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
