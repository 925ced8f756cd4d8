"""
Builds the test programs: tests/guests/src/NAME.c, libc/NAME.c or NAME.wat -> tests/guests/dist/NAME.wasm.

    python build/guests.py [NAME ...]

C programs become components through the preview 1 adapter; those that include "wasi.h" import WASI 0.2 by hand, and those that
include "bare.h" import torpor:posix/sys and nothing else. Those in libc/ do so by the library in agents/sdk/c, and become
`libc_NAME` (build/posix_programs.py; one that calls fork says which, or has all of it). Besides, `truncated` is a component of
which the second half is missing. Only what has changed is built.
"""

from __future__ import annotations

import argparse
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from components import WASM_TOOLS, build_c, installed_node
from freshness import build_if_stale, fingerprint
from posix_programs import SDK, ZIGLANG, Fork, compile_c
from toolchain import AGENTS, ROOT, WIT, BuildError, python_tool, run, say

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES = ROOT / "tests" / "guests" / "src"
LIBC_SOURCES = SOURCES / "libc"
DIST = ROOT / "tests" / "guests" / "dist"
SCRIPTS = Path(__file__).resolve().parent
TRUNCATED = "truncated"
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
# A program that calls one of these is built with fork = "full", unless it defines FORK as another one.
FORKS = re.compile(r"\bv?fork\(\)")
OTHER_FORK = re.compile(r"^#define FORK (exec)$", re.MULTILINE)


def build_libc(source: Path, output: Path) -> None:
    """Compiles a C program over the library for POSIX processes into a component. Raises BuildError."""
    text = source.read_text()
    fork: Fork = "none"
    if FORKS.search(text):
        fork = "exec" if OTHER_FORK.search(text) else "full"
    flags = ("-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror")
    compile_c([source], output, fork=fork, flags=flags)


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


def builder_of(source: Path) -> Callable[[Path, Path], None]:
    """What builds a program of this source."""
    if source.suffix == ".wat":
        return build_wat
    return build_libc if source.parent == LIBC_SOURCES else build_program


def build_all(names: list[str]) -> int:
    """Builds these programs, or all; the number of those that needed it. Raises BuildError."""
    sources = {path.stem: path for pattern in ("*.c", "*.wat") for path in sorted(SOURCES.glob(pattern))}
    sources |= {f"libc_{path.stem}": path for path in sorted(LIBC_SOURCES.glob("*.c"))}
    unknown = set(names) - sources.keys() - {TRUNCATED}
    if unknown:
        msg = f"no such program: {', '.join(sorted(unknown))}"
        raise BuildError(msg)
    installed_node()
    shared = [*SOURCES.glob("*.h"), WIT, SCRIPTS / "guests.py", SCRIPTS / "components.py", AGENTS / "package-lock.json"]
    of_libc = [*LIBC_SOURCES.glob("*.h"), SDK, SCRIPTS / "posix_programs.py"]
    built = 0
    for name, source in sources.items():
        if names and name not in names and TRUNCATED not in names:
            continue
        inputs = [source, *shared, *(of_libc if source.parent == LIBC_SOURCES else ())]
        wanted = fingerprint(inputs, ZIGLANG, WASM_TOOLS)
        built += build_if_stale(DIST / f"{name}.wasm", wanted, partial(builder_of(source), source))
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
